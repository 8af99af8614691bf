import type { SandboxMount } from "../build/sandbox/plan-sandbox.js";
import type { InstanceWish } from "./engines/engine.js";
import type { InstanceFacts } from "./instance-facts.js";
import { planInstanceFiles } from "./plan-instance-files.js";

/** A folder of the instance which its app may write, inside. */
export const runFolder = "/run/bloomery";

/** What an app finds: its tree, never to be written, what it may write over it, and the document about it. */
export function planMounts(
  wish: InstanceWish,
  facts: Pick<InstanceFacts, "dir" | "mounts">,
): readonly SandboxMount[] {
  // Sorted, so that a mount within another one comes after it.
  const own = facts.mounts.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return [
    { name: "app", source: wish.artifactDir, target: "/app", writable: false },
    ...own.map(({ path, source }, index) => ({
      name: `mount-${index}`,
      source,
      target: `/app/${path}`,
      writable: true,
    })),
    {
      name: "config",
      source: planInstanceFiles(facts.dir).runtimeDocument,
      target: "/run/config.json",
      writable: false,
    },
  ];
}

/** The instance's own folder, for those that have something to put there. */
export function planRunMount(dir: string): SandboxMount {
  return { name: "run", source: planInstanceFiles(dir).run, target: runFolder, writable: true };
}
