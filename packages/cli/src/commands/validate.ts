import { formatProblem } from "@bloomery/contract";
import type { Command } from "../command.js";
import { checkIni } from "../project/check-ini.js";
import { aboutProject, appNameFlag, locateProject, readProject } from "./project.js";

export const validateCommand: Command = {
  name: "validate",
  group: "Deploy",
  summary: "Check a project's files without a daemon",
  about: `Prints every mistake as \`file:line:column key: what is wrong, what to write instead\`; exit code 2 when there is one.\nThe ini of a prefork app is read by the program that serves it, where that is found.\n\n${aboutProject}`,
  args: [{ name: "path", about: "the project's folder, or one in it", optional: true }],
  flags: [appNameFlag],
  examples: ["bloom validate", "bloom validate services/shop --json"],
  async run(context) {
    const { output, env } = context;
    const project = await locateProject(context);
    const read = await readProject(project);
    const more = read.config === null ? [] : await checkIni(read.config, { root: project.root, env });
    const problems = [...read.problems, ...more];
    const config = more.some(({ severity }) => severity === "error") ? null : read.config;
    const lines = problems.map(formatProblem);
    const verdict =
      config === null ? [] : [`valid: ${config.name}, ${config.shape} app (${config.detected})`];
    output.result({ problems, config }, [...lines, ...verdict]);
    return config === null ? 2 : 0;
  },
};
