import { formatProblem } from "@bloomery/contract";
import type { Command } from "../command.js";
import { resolveFolder } from "./place.js";

export const validateCommand: Command = {
  name: "validate",
  group: "Deploy",
  summary: "Check a project's files without a daemon",
  about:
    "Prints every mistake as `file:line:column key: what is wrong, what to write instead`; exit code 2 when there is one.",
  args: [{ name: "path", about: "the project's folder", optional: true }],
  examples: ["bloom validate", "bloom validate services/shop --json"],
  async run({ args, cwd, output }) {
    const { loadConfig, openProjectFolder } = await import("@bloomery/daemon/config");
    const { folder, folderName } = await resolveFolder(cwd, args[0]);
    const { config, problems } = loadConfig(openProjectFolder(folder), { folderName });
    const lines = problems.map(formatProblem);
    const verdict =
      config === null ? [] : [`valid: ${config.name}, ${config.shape} app (${config.detected})`];
    output.result({ problems, config }, [...lines, ...verdict]);
    return config === null ? 2 : 0;
  },
};
