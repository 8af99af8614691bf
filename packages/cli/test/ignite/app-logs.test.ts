import { expect, test } from "vitest";
import { useFakeDaemon } from "../daemon-per-file.js";
import { notFound } from "./documents.js";

const { daemon, ask } = useFakeDaemon();
const line = { timestampMs: "1767225600123", replicaId: "i-1", text: "hi" };

test("the last lines, chosen by flags", async () => {
  daemon().answers.igniteAppLogs = { body: { lines: [line] } };
  const flags = ["-n", "5", "--replica", "i-1", "--execution", "x-1", "--search", "h"];
  expect((await ask(["ignite", "app", "logs", "org:hello", ...flags])).stdout).toBe(
    "00:00:00.123 i-1 | hi\n",
  );
  expect(daemon().calls[0]?.query).toEqual({ limit: "5", replicaId: "i-1", executionId: "x-1", search: "h" });
});

test("following goes on when the daemon is back, and repeats or loses no line", async () => {
  const later = { ...line, timestampMs: "1767225600124", text: "ho" };
  const last = { ...later, timestampMs: "1767225600125", text: "end" };
  daemon().answers.igniteStreamAppLogs = [
    { lines: [line, line, later, later], after: "break" },
    // The second reading begins with what the first has told; one line more of the same millisecond is new.
    { lines: [line, line, later, later, later, last], after: "end" },
    { lines: [last], after: "hang", sent: () => void process.emit("SIGINT") },
  ];
  const { code, stdout } = await ask(["app", "logs", "org:hello", "--follow"]);
  const texts = stdout
    .trim()
    .split("\n")
    .map((one) => one.split("| ")[1]);
  expect([code, texts]).toEqual([0, ["hi", "hi", "ho", "ho", "ho", "end"]]);
});

test("of a function that is not there is exit code 5, followed or not", async () => {
  daemon().answers.igniteAppLogs = notFound("there is no app");
  daemon().answers.igniteStreamAppLogs = notFound("there is no app");
  daemon().answers.igniteGetApp = notFound("there is no app");
  for (const flags of [[], ["--follow"]])
    expect((await ask(["app", "logs", "org:hello", ...flags])).code).toBe(5);
});

test.each([
  [["--limit", "many"], "--limit"],
  [["--serch", "x"], "Did you mean `--search`?"],
])("%j is refused with exit code 2", async (args, words) => {
  const { code, stderr } = await ask(["app", "logs", "hello", ...args]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
});
