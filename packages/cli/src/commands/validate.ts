import { basename, resolve } from "node:path";
import { loadConfig, openProjectFolder } from "@bloomery/daemon/config";
import { formatProblem } from "@bloomery/contract";
import type { Command } from "../command.js";

export const validateCommand: Command = {
  name: "validate",
  group: "Deploy",
  summary: "Check a project's files without a daemon",
  args: [{ name: "path", about: "the project's folder", optional: true }],
  examples: ["bloom validate", "bloom validate services/shop --json"],
  async run({ args, output }) {
    const folder = resolve(args[0] ?? ".");
    const { config, problems } = loadConfig(openProjectFolder(folder), { folderName: basename(folder) });
    const lines = problems.map(formatProblem);
    const verdict =
      config === null ? [] : [`valid: ${config.name}, ${config.shape} app (${config.detected})`];
    output.result({ problems, config }, [...lines, ...verdict]);
    return config === null ? 2 : 0;
  },
};
