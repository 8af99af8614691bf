import { BloomError, formatProblem, type PreforkConfig, type Problem } from "@bloomery/contract";
import type { CodeProblem } from "../function/code-problems.js";
import type { BuildStep } from "../plan-build.js";
import type { BuildRun } from "../run-build.js";
import type { SourceTree } from "../source-tree.js";
import { hostProgram } from "./host.js";
import { parseComplaints, parseShown, type ShownConfig } from "../../config/parse-shown.js";

/** The host is then given its socket, so the ini need not have one, and some of what it says has no effect. */
const asOnThePlatform = ["--platform-socket=fd://3"] as const;

/** Asks the host what it makes of the ini, in the sandbox of the build: it may read files and run commands. */
export async function askHost(
  { ini, section }: Pick<PreforkConfig, "ini" | "section">,
  ask: {
    readonly run: Pick<BuildRun, "capture">;
    readonly stepOf: (title: string, command: readonly string[]) => BuildStep;
    /** The app's folder in the tree, with a slash at its end, or empty. */
    readonly root: string;
  },
): Promise<ShownConfig> {
  const name = section === null ? ini : `${ini}:${section}`;
  const command = [hostProgram, name, ...asOnThePlatform, "--show-config=json"];
  const shown = await ask.run.capture(ask.stepOf(`bloom-prefork ${name} --show-config=json`, command));
  const config = shown.exitCode === 0 ? parseShown(shown.stdout) : null;
  if (config !== null) return config;
  const said = [...shown.stderr, ...(shown.exitCode === 0 ? [] : shown.stdout)];
  const complaints = parseComplaints(said, { ini, folder: "/app" });
  if (complaints.length === 0) {
    throw new BloomError("ERR_BUILD_FAILED", `the prefork host says nothing of ${ini} that can be read`, {
      details: { exitCode: shown.exitCode },
    });
  }
  throw toIniError(complaints, ask.root);
}

/** ERR_MANIFEST_INVALID with every place of the ini that is wrong. */
function toIniError(complaints: readonly CodeProblem[], root: string): BloomError {
  const problems = complaints.map((one): Problem => ({
    severity: "error",
    path: "",
    ...one,
    file: `${root}${one.file}`,
  }));
  const [{ file, line, column } = { file: root, line: 1, column: 1 }] = problems;
  return new BloomError("ERR_MANIFEST_INVALID", problems.map(formatProblem).join("\n"), {
    where: { file, line, column },
    details: { problems },
  });
}

/** Where a value stands in an ini that is as plain as most are; else where its section begins. */
export function placeInIni(
  tree: Pick<SourceTree, "read">,
  ini: string,
  value: string,
): Pick<CodeProblem, "file" | "line" | "column"> {
  const lines = (tree.read(ini) ?? "").split("\n");
  const index = lines.findIndex((line) => !/^\s*[;#]/.test(line) && line.includes(value));
  if (index < 0) return { file: ini, line: 1, column: 1 };
  return { file: ini, line: index + 1, column: (lines[index] ?? "").indexOf(value) + 1 };
}
