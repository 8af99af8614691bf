import { relative } from "node:path";
import { formatProblem } from "@bloomery/contract";
import type { Context } from "../command.js";
import { buildCrates } from "./build-crates.js";
import { buildFile } from "./build-file.js";
import { callTool } from "./call-tool.js";
import { findStale } from "./find-stale.js";

/**
 * Builds those libraries of the ini that are made of something in this folder and are missing or old. Throws
 * ERR_BUILD_FAILED. An ini that is wrong is left to the host, which says so when it is to serve.
 */
export async function buildLibraries(
  context: Pick<Context, "cwd" | "env" | "output">,
  host: string,
  words: readonly string[],
): Promise<void> {
  const { cwd, env, output } = context;
  const tools = await import("@bloomery/daemon/prefork");
  const { parseShown } = await import("@bloomery/daemon/config");
  const { exitCode, stdout } = await callTool([host, ...words, "--show-config=json"], {
    cwd,
    env,
    shows: false,
  });
  const shown = exitCode === 0 ? parseShown(stdout.split("\n")) : null;
  if (shown === null) return;
  const project = tools.openProjectFolder(cwd);
  const plan = tools.planLocal(cwd, project, { ini: words[0] ?? "", apps: shown.apps });
  for (const problem of plan.problems) {
    output.say(output.paint("yellow", formatProblem({ severity: "warning", path: "", ...problem })));
  }
  const stale = findStale(cwd, plan.libraries);
  const crates = stale.flatMap(({ path, made }) =>
    made.from === "crate" ? [{ path, name: made.name }] : [],
  );
  const began = performance.now();
  for (const { path, made } of stale) {
    if (made.from === "file") await buildFile(context, { ...made, path }, project, tools);
  }
  if (crates.length > 0) await buildCrates(context, crates, project, tools);
  if (stale.length === 0) return;
  const paths = stale.map(({ path }) => relative(".", path)).join(", ");
  output.say(`built ${paths} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}
