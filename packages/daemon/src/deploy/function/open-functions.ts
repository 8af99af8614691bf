import { BloomError, formatProblem } from "@bloomery/contract";
import { loadConfig, toConfigError } from "../../config/index.js";
import type { Build } from "../../store/builds.js";
import type { BuildStage } from "../build-port.js";
import { createCompileLogs } from "./compile-log.js";
import { createDrafts, type DraftParts, type Drafts, type ReadConfig } from "./drafts.js";
import { followCompile, type CompileEndLine } from "./follow-compile.js";
import { createPublishing, type Publishing, type PublishParts } from "./publish.js";

/** What is particular to the life of functions. */
export interface Functions extends Publishing {
  readonly drafts: Drafts;
  /** The log of a compile until it has ended; its last line has a status. */
  followCompile(build: Build, signal: AbortSignal): AsyncGenerator<CompileEndLine>;
}

/** Puts the parts together that turn code into versions of functions. */
export function openFunctions(
  parts: Pick<DraftParts, "store" | "secrets" | "jobs"> & Pick<PublishParts, "deployer">,
  stage: Pick<BuildStage, "port" | "openTree" | "logFile"> & {
    readonly sources: Pick<BuildStage["sources"], "receiveCode">;
  },
  readConfig: DraftParts["readConfig"] = readConfigOf(stage.openTree),
): Functions {
  const logs = createCompileLogs();
  const { receiveCode } = stage.sources;
  return {
    ...createPublishing({ ...parts, readConfig }),
    drafts: createDrafts({ ...parts, build: stage.port, logs, receiveCode, readConfig }),
    followCompile: (build, signal) =>
      followCompile({ store: parts.store, logs, logFile: stage.logFile }, build, signal),
  };
}

/** Reads what the code says of itself; the app's name is not for the code to choose. */
function readConfigOf(openTree: BuildStage["openTree"]): DraftParts["readConfig"] {
  return async (tree, app): Promise<ReadConfig> => {
    const { config, problems } = loadConfig(await openTree(tree), { appName: app });
    if (config === null) throw toConfigError(problems);
    if (config.function === null) {
      throw new BloomError("ERR_MANIFEST_INVALID", `the code is not a function: ${config.detected}`, {
        hint: "Annotate a function named handler with #[ignite::main], in src/lib.rs or src/main.rs.",
      });
    }
    const warnings = problems.filter(({ severity }) => severity === "warning");
    return { config, remarks: warnings.map(formatProblem) };
  };
}
