import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BloomError, formatProblem } from "@bloomery/contract";
import type * as prefork from "@bloomery/daemon/prefork";
import type { Context } from "../command.js";
import { callTool } from "./call-tool.js";
import { layFolder } from "./lay-folder.js";
import { findCrates, planWorkbench, putLibrary } from "./workbench.js";

type Project = ReturnType<typeof prefork.openProjectFolder>;

/**
 * Has cargo make these libraries, in place where the project is such as cargo takes it, else in a folder that looks
 * like it. Throws ERR_BUILD_FAILED, and ERR_MANIFEST_INVALID for a Cargo.toml that must be written otherwise.
 */
export async function buildCrates(
  { cwd, env, output }: Pick<Context, "cwd" | "env" | "output">,
  libraries: readonly { readonly path: string; readonly name: string }[],
  project: Project,
  tools: typeof prefork,
): Promise<void> {
  const bench = planWorkbench(cwd, env);
  await mkdir(bench.sdk, { recursive: true, mode: 0o700 });
  const sdk = await tools.openSdk(findCrates(env), bench.sdk, tools.preforkSdk);
  const lock = await readFile(join(bench.source, "Cargo.lock"), "utf8").catch(() => undefined);
  const sources = {
    list: () => project.list(),
    // What cargo chose last time holds until the project has a lockfile of its own.
    read: (path: string) => project.read(path) ?? (path === "Cargo.lock" ? lock : undefined),
  };
  const [crate] = tools.preforkSdk.folders;
  const plan = tools.planCrates(sources, { ...sdk, path: join(sdk.mount.source, crate) });
  if (plan.problems.length > 0) {
    const problems = plan.problems.map((one) => ({ severity: "error" as const, path: "", ...one }));
    throw new BloomError("ERR_MANIFEST_INVALID", problems.map(formatProblem).join("\n"));
  }
  for (const note of plan.notes) output.say(note);
  const isInPlace = plan.files.size === 0;
  if (!isInPlace) {
    const files = new Map(plan.files);
    if (!files.has("Cargo.lock") && sources.read("Cargo.lock") === lock && lock !== undefined)
      files.set("Cargo.lock", lock);
    await tools.removeTree(bench.source);
    await layFolder(cwd, bench.source, files, new Set(["target"]));
  }
  const where = isInPlace
    ? []
    : ["--manifest-path", join(bench.source, "Cargo.toml"), "--target-dir", bench.target];
  const command = ["cargo", "build", "--release", ...where];
  const form = "--message-format=json-render-diagnostics";
  // From the project's folder, so that its own toolchain and settings are found.
  const { exitCode, stdout } = await callTool([...command, form], { cwd, env, shows: true });
  if (exitCode !== 0) {
    throw new BloomError("ERR_BUILD_FAILED", `\`cargo build --release\` ended with exit code ${exitCode}`, {
      hint: "Its words are above; --no-build serves the library as it lies there.",
    });
  }
  for (const { path, name } of libraries) await putLibrary(findMade(stdout, name), join(cwd, path));
}

/** Where cargo says that it has put the library. */
function findMade(messages: string, name: string): string {
  for (const line of messages.split("\n")) {
    if (!line.startsWith("{")) continue;
    const { reason, target, filenames } = JSON.parse(line) as {
      reason?: string;
      target?: { name?: string };
      filenames?: readonly string[];
    };
    const found = filenames?.find((file) => file.endsWith(".so"));
    if (reason === "compiler-artifact" && target?.name === name && found !== undefined) return found;
  }
  throw new BloomError("ERR_BUILD_FAILED", `cargo made no lib${name}.so`, {
    hint: 'Write crate-type = ["cdylib"] below [lib] of its Cargo.toml.',
  });
}
