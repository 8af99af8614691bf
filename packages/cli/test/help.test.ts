import { afterEach, describe, expect, test, vi } from "vitest";
import type { Command, Context } from "../src/command.js";
import { commands } from "../src/commands/index.js";
import { renderCliReference } from "../src/docs.js";
import { run } from "./fake-daemon.js";

const named = commands.map((command) => [command.name, command] as const);

describe("help", () => {
  test.each(named)("of %s", async (name) => {
    const { code, stdout, stderr } = await run([...name.split(" "), "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatchSnapshot();
  });

  test("of the program", async () => {
    const { code, stdout } = await run(["--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatchSnapshot();
  });

  test("of a noun, also of one in a noun", async () => {
    const nouns = [["env"], ["ignite"], ["ignite", "app"]];
    const helps = await Promise.all(nouns.map((noun) => run([...noun, "--help"])));
    expect(helps.map(({ stdout }) => stdout).join("\n")).toMatchSnapshot();
  });

  test("of a verb by another of its names", async () => {
    const own = await run(["draft", "info", "--help"]);
    const other = await run(["ignite", "draft", "status", "--help"]);
    expect([other.code, other.stdout]).toEqual([
      0,
      own.stdout.replace("bloom draft info", "bloom ignite draft status"),
    ]);
  });
});

test("the reference has every command with its flags", () => {
  const reference = renderCliReference();
  for (const command of commands) {
    expect(reference).toContain(`### bloom ${command.name}`);
    for (const { flag, hidden } of command.flags ?? [])
      if (hidden !== true) expect(reference).toContain(flag);
    for (const name of command.also ?? []) expect(reference).toContain(`\`${name}\``);
  }
});

describe("flags of every verb", () => {
  const spied: { mockRestore(): void }[] = [];
  afterEach(() => {
    for (const spy of spied.splice(0)) spy.mockRestore();
  });

  /** What the command is run with, instead of running it. */
  const watchRun = (command: Command): Context[] => {
    const seen: Context[] = [];
    const spy = vi.spyOn(command as { run: Command["run"] }, "run").mockImplementation(async (context) => {
      seen.push(context);
    });
    spied.push(spy);
    return seen;
  };
  const argsOf = (command: Command): string[] =>
    (command.args ?? []).filter((arg) => arg.optional !== true).map((arg) => arg.name);
  const common = ["--json", "--yes", "-q", "-v", "--no-color", "--api", "http://localhost:1", "--token", "t"];

  test.each(named)("%s takes them", async (name, command) => {
    const seen = watchRun(command);
    const words = [argsOf(command), common];
    // Behind its first word all are another program's.
    if (command.passesThrough === true) words.reverse();
    const { code, stderr } = await run([...name.split(" "), ...words.flat()]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(seen[0]?.args).toEqual(argsOf(command));
    expect(seen[0]?.flags).toMatchObject({ json: true, yes: true, quiet: true, verbose: true, color: false });
    expect(seen[0]?.settings).toMatchObject({ api: "http://localhost:1", token: "t" });
  });

  test.each(named)("%s takes them before its name, too", async (name, command) => {
    const seen = watchRun(command);
    await run([...common, ...name.split(" "), ...argsOf(command)]);
    expect(seen[0]?.flags).toMatchObject({ json: true, yes: true, color: false });
    expect(seen[0]?.settings.token).toBe("t");
  });

  test("a flag after the verb wins over one before it", async () => {
    const apps = commands.find(({ name }) => name === "apps") as Command;
    const seen = watchRun(apps);
    await run(["--token", "early", "apps", "--token", "late"]);
    expect(seen[0]?.settings.token).toBe("late");
  });

  test("a verb's own --version is not the program's", async () => {
    const logs = commands.find(({ name }) => name === "logs") as Command;
    const seen = watchRun(logs);
    const { stdout } = await run(["logs", "shop", "--version", "3"]);
    expect([stdout, seen[0]?.flags["version"]]).toEqual(["", "3"]);
  });
});
