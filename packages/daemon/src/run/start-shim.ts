import { BloomError, shimHello, toBloomError, type ShimSpec } from "@bloomery/contract";
import { spawnShim, type LaunchedShim } from "./launcher.js";

/**
 * Starts one `bloom-shim run`, which then lives on its own. The spec goes through its standard input and
 * never touches the disk, because the environment in it holds secrets. Resolves when the shim has said that
 * it stands; rejects with ERR_INSTANCE_LOST and the shim's words otherwise.
 */
export async function startShim(shimPath: string, spec: ShimSpec): Promise<void> {
  if (await finishShim(spawnShim(shimPath, ["run"]), shimPath, spec)) return;
  throw new BloomError("ERR_INSTANCE_LOST", `the shim of ${spec.id} ended before it stood`);
}

/**
 * Gives a shim that waits what it shall do, and waits until it does. False: it has ended without a word, so nothing
 * has been begun that did not end with it.
 */
export async function finishShim(shim: LaunchedShim, shimPath: string, spec: ShimSpec): Promise<boolean> {
  shim.hold();
  shim.input.end(JSON.stringify(spec));
  const hello = await shim.hello.catch((cause: unknown) => {
    const { message } = toBloomError(cause);
    throw new BloomError("ERR_INSTANCE_LOST", `${shimPath} could not be started: ${message}`, { cause });
  });
  shim.letGo();
  if (hello === "") return false;
  const parsed = shimHello.safeParse(parseLine(hello));
  if (!parsed.success)
    throw new BloomError("ERR_INSTANCE_LOST", `the shim of ${spec.id} ended before it stood`);
  if (!parsed.data.ok)
    throw new BloomError("ERR_INSTANCE_LOST", `the shim of ${spec.id} failed: ${parsed.data.error}`);
  return true;
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text.split("\n")[0] ?? "");
  } catch {
    return undefined;
  }
}
