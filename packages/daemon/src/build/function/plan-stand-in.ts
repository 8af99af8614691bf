import type { BundledSdk } from "./plan-dependencies.js";
import { planOneFile } from "./plan-one-file.js";
import { planOverlay } from "./plan-overlay.js";

const handler = `use ignite::prelude::*;

#[ignite::main]
async fn handler(_req: Request, _ctx: Context) -> Result<impl IntoResponse> {
    Ok(ignite::json!({}))
}
`;

/**
 * The smallest function there is, ready for cargo: path → text. The lockfile that cargo makes for it is the one that
 * `planOverlay` takes as the platform's, and what its dependencies compile to is what newcomers' functions share.
 */
export function planStandIn(sdk: BundledSdk): ReadonlyMap<string, string> {
  const files = planOneFile("stand-in", handler);
  const sources = { list: () => [...files.keys()], read: (path: string) => files.get(path) };
  const plan = planOverlay({ sources, sdk: { ...sdk, lockfile: null }, dependencies: [] });
  return new Map([...files, ...plan.files]);
}
