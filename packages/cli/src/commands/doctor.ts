import type { Command } from "../command.js";

export const doctorCommand: Command = {
  name: "doctor",
  group: "Server",
  summary: "Check this machine, and say how to mend what is missing",
  about: "Exit code 1 when something is broken that the platform cannot do without.",
  examples: ["bloom doctor", "bloom doctor --json"],
  async run(context) {
    const { runChecks } = await import("../doctor/checks.js");
    const checks = await runChecks(context);
    const isFine = checks.every((one) => one.ok || one.optional);
    const { output } = context;
    const lines = checks.flatMap(({ name, ok, optional, found, fix }) => {
      const bad = optional ? output.paint("yellow", "warn") : output.paint("red", "FAIL");
      const first = `${ok ? output.paint("green", "ok  ") : bad}  ${name}: ${found}`;
      return ok ? [first] : [first, `      next: ${fix}`];
    });
    output.result({ ok: isFine, checks }, lines);
    return isFine ? 0 : 1;
  },
};
