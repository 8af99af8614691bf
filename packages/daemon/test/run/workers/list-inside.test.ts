import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { listInside, parseInnerPid, parseMemory } from "../../../src/run/workers/list-inside.js";

test("finds a process with everything below it", async () => {
  const shell = spawn("sh", ["-c", "sleep 61 & sleep 61 & echo $$ $!; wait"], { detached: true });
  try {
    const line = await new Promise<string>((resolve) =>
      shell.stdout.once("data", (data) => resolve(String(data))),
    );
    const [outer, inner] = line.trim().split(" ").map(Number);
    const found = await listInside(shell.pid ?? 0);
    expect(found.size).toBe(3);
    expect(found.get(outer ?? 0)).toMatchObject({ pid: shell.pid });
    expect(found.get(inner ?? 0)?.memoryBytes).toBeGreaterThan(0);
  } finally {
    process.kill(-(shell.pid ?? 0), "SIGKILL");
  }
});

test("who is gone has nothing below", async () => {
  expect((await listInside(2 ** 22 + 1)).size).toBe(0);
});

test("reads what the kernel says", () => {
  expect(parseInnerPid("Name:\tx\nNSpid:\t4711\t12\t2\nVmRSS:\t    1024 kB\n")).toBe(2);
  expect(parseInnerPid("NSpid:\t4711\n")).toBe(4711);
  expect(parseInnerPid("")).toBeNull();
  expect(parseMemory("VmRSS:\t    1024 kB\n")).toBe(1_048_576);
  expect(parseMemory("Name:\tkthread\n")).toBeNull();
});
