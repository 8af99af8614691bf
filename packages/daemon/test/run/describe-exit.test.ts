import { expect, test } from "vitest";
import { describeEnd, describeExit } from "../../src/run/describe-exit.js";

const exit = { code: null, signal: null, at: "2026-01-01T00:00:00Z", oom: false, ran_ms: 3210, note: null };

test.each([
  [{ code: 101, ran_ms: 12 }, undefined, "exit code 101 after 12 ms"],
  [{ code: 127 }, undefined, "exit code 127 (command not found) after 3.2 s"],
  [{ code: 126 }, undefined, "exit code 126 (command cannot be executed) after 3.2 s"],
  [{ signal: "SIGSEGV" }, 1, "killed by SIGSEGV after 3.2 s"],
  [
    { code: 1, note: "pre_start ended with code 3" },
    1,
    "exit code 1 after 3.2 s; pre_start ended with code 3",
  ],
  [
    { code: 70, note: "it ended itself to be started anew, because calls kept its threads past their time" },
    1,
    "exit code 70 after 3.2 s; it ended itself to be started anew, because calls kept its threads past their time",
  ],
  [
    { signal: "SIGKILL", oom: true },
    128 * 1_048_576,
    "killed: it used more than its 128 MB of memory, after 3.2 s",
  ],
  [{ code: 137, oom: true }, 96_000_000, "killed: it used more than its 96 MB of memory, after 3.2 s"],
  [
    { signal: "SIGKILL", oom: true },
    undefined,
    "killed: it used more than the memory it may use, after 3.2 s",
  ],
  [
    { code: 1, oom: true },
    1_048_576,
    "exit code 1 after 3.2 s; a process of it was killed, because together they used more than its 1 MB of memory",
  ],
] as const)("%j with a limit of %j is: %s", (change, memoryBytes, words) => {
  expect(describeExit({ ...exit, ...change }, memoryBytes)).toBe(words);
});

test.each([
  [{ code: 3 }, "the function's process ended: exit code 3 after 3.2 s"],
  [{ signal: "SIGSEGV" }, "the function's process was killed by SIGSEGV after 3.2 s"],
] as const)("of a function %j is: %s", (change, words) => {
  expect(describeEnd({ ...exit, ...change })).toBe(words);
});
