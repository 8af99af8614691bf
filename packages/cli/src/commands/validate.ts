import { formatProblem } from "@bloomery/contract";
import type { Command } from "../command.js";
import { aboutProject, appNameFlag, locateProject, readProject } from "./project.js";

export const validateCommand: Command = {
  name: "validate",
  group: "Deploy",
  summary: "Check a project's files without a daemon",
  about: `Prints every mistake as \`file:line:column key: what is wrong, what to write instead\`; exit code 2 when there is one.\n\n${aboutProject}`,
  args: [{ name: "path", about: "the project's folder, or one in it", optional: true }],
  flags: [appNameFlag],
  examples: ["bloom validate", "bloom validate services/shop --json"],
  async run(context) {
    const { output } = context;
    const { config, problems } = await readProject(await locateProject(context));
    const lines = problems.map(formatProblem);
    const verdict =
      config === null ? [] : [`valid: ${config.name}, ${config.shape} app (${config.detected})`];
    output.result({ problems, config }, [...lines, ...verdict]);
    return config === null ? 2 : 0;
  },
};
