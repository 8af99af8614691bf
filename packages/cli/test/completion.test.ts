import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { renderCompletion } from "../src/completion.js";
import { commands } from "../src/commands/index.js";
import { run } from "./fake-daemon.js";

describe("bash completes", () => {
  const script = renderCompletion("bash", commands);

  /** What bash offers after these words; the last one is being typed. */
  function complete(...words: string[]): string[] {
    const line = ["bloom", ...words];
    const ask = [
      script,
      `COMP_WORDS=(${line.map((word) => `'${word}'`).join(" ")})`,
      `COMP_CWORD=${line.length - 1}`,
      "_bloom_complete",
      'printf "%s\\n" "${COMPREPLY[@]}"',
    ];
    return execFileSync("bash", ["-c", ask.join("\n")], { cwd: "/", encoding: "utf8" })
      .trim()
      .split("\n");
  }

  test("verbs and nouns", () => {
    expect(complete("dep")).toEqual(["deploy"]);
    expect(complete("")).toEqual([...new Set(commands.map(({ name }) => name.split(" ")[0]))]);
  });

  test("the verbs of a noun", () => {
    expect(complete("env", "")).toEqual(["list", "set", "unset"]);
    expect(complete("server", "sta")).toEqual(["start", "status"]);
  });

  test("the flags of a verb, also after an argument", () => {
    expect(complete("deploy", "--dry")).toEqual(["--dry-run"]);
    expect(complete("logs", "shop", "--fol")).toEqual(["--follow"]);
    expect(complete("env", "set", "shop", "--se")).toEqual(["--sensitive"]);
  });

  test("the verbs for what is inside an app, and the names of logs", () => {
    expect(complete("mount", "")).toEqual(["list", "size", "upload", "download"]);
    expect(complete("mount", "down")).toEqual(["download"]);
    expect(complete("secret", "")).toEqual(["list", "set", "unset"]);
    expect(complete("re")).toEqual(["redeploy", "restart", "releases"]);
    expect(complete("log", "")).toEqual(expect.arrayContaining(["access", "deploy", "post-deploy"]));
    expect(complete("log", "acc")).toEqual(["access"]);
    expect(complete("exec", "shop", "--tt")).toEqual(["--tty"]);
    expect(complete("route", "shop", "/", "--me")).toEqual(["--method"]);
    expect(complete("logs", "shop", "--st")).toEqual(["--stream"]);
    expect(complete("rollback", "shop", "--no-h")).toEqual(["--no-hooks"]);
    expect(complete("env", "set", "shop", "A=1", "--no-v")).toEqual([
      "--no-visible-build",
      "--no-visible-runtime",
    ]);
    expect(complete("init", "--sh")).toEqual(["--shape"]);
    expect(complete("dev", "--app-")).toEqual(["--app-name"]);
  });

  test("nouns in nouns, and both names of a verb", () => {
    expect(complete("ignite", "dra")).toEqual(["draft"]);
    expect(complete("ignite", "draft", "comp")).toEqual(["compile", "compile-logs"]);
    expect(complete("ignite", "draft", "save", "org:hello", "--co")).toEqual(["--code", "--config"]);
    expect(complete("app", "up")).toEqual(["update"]);
    expect(complete("ignite", "config", "set", "org")).toEqual(["org_id"]);
    // What is only there to be refused is not offered.
    expect(complete("draft", "save", "--git")).toEqual([""]);
  });

  test("folders otherwise", () => {
    expect(complete("deploy", "tm")).toEqual(["tmp"]);
  });
});

test.each(["bash", "zsh"] as const)("the script for %s has no syntax error", (shell) => {
  const check = spawnSync("bash", ["-n"], { input: renderCompletion(shell, commands), encoding: "utf8" });
  expect([check.status, check.stderr]).toEqual([0, ""]);
});

test("fish gets a line for each verb and flag, its quotes escaped", () => {
  const lines = renderCompletion("fish", commands).split("\n");
  expect(lines).toContain("complete -c dodil -n __fish_use_subcommand -a apps -d 'List apps'");
  expect(lines).toContain(
    "complete -c bloom -n '__fish_seen_subcommand_from log' -a 'access app build deploy error post-deploy'",
  );
  expect(lines).toContain(
    "complete -c dodil -n '__fish_seen_subcommand_from ignite; and __fish_seen_subcommand_from draft' -a publish -d 'Make the compiled draft the next version and the active one'",
  );
  for (const line of lines.filter((one) => one !== "")) {
    expect(line.replaceAll("\\'", "").split("'").length % 2).toBe(1);
  }
});

test("another shell is refused", async () => {
  expect(await run(["completion", "tcsh"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("bash, zsh, fish") as string,
  });
});
