import type { ProgramPlace } from "../take-program.js";
import { asTable, parseTable } from "../toml-table.js";
import { functionProgram, type FunctionBuild } from "./prepare-function.js";

/**
 * Where cargo puts a function's program, and where its artifact has it. Cargo's own settings may ask for a target
 * triple, which has a folder of its own.
 */
export function planProgram({ tree, config }: Pick<FunctionBuild, "tree" | "config">): ProgramPlace {
  const { profile, bin } = config.build.cargo;
  const folder = profile === "dev" ? "debug" : profile;
  const settings = parseTable(tree.read(".cargo/config.toml") ?? tree.read(".cargo/config") ?? "");
  const triple = config.variables["CARGO_BUILD_TARGET"] ?? asTable(settings?.["build"])["target"];
  const plain = `target/${folder}/${bin ?? ""}`;
  const places =
    typeof triple === "string" && triple !== ""
      ? [`target/${triple}/${folder}/${bin ?? ""}`, plain]
      : [plain];
  return { from: places, to: functionProgram, leaveOut: "target" };
}
