import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { planInstanceFiles } from "../../../src/run/plan-instance-files.js";
import { ask, cleanUp, openRealEngine, startReady, waitFor } from "./real-engine.js";
import { makeFunction } from "./perl-function.js";

afterEach(cleanUp);

test("answers on the socket it is given, alone in its network, and keeps records", async () => {
  const real = await openRealEngine();
  const wish = await makeFunction(real);
  const started = performance.now();
  const instance = await startReady(real.engine, wish);
  console.log(`a function in its sandbox was ready after ${Math.round(performance.now() - started)} ms`);
  expect(instance.address).toEqual({
    kind: "unix",
    path: planInstanceFiles(join(real.paths.instances, wish.id)).socket,
  });
  expect(await ask(instance, "echo $IGNITE_FUNCTION_ID $IGNITE_TIMEOUT_MS")).toBe("org/hello 9000\n");
  expect(await ask(instance, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).toBe("lo\n");
  expect(await ask(instance, "touch /app/x || echo read-only")).toContain("read-only");
  const file = join(real.paths.instances, wish.id, "log", "executions.log");
  const read = async (): Promise<string> => readFile(file, "utf8");
  await vi.waitUntil(async () => (await read()).trim().split("\n").length === 3);
  expect(await read()).toMatch(/^\S+ record \{"path":"echo /);
});

test("nobody is refused while a function that ended starts anew", async () => {
  const real = await openRealEngine();
  const instance = await startReady(real.engine, await makeFunction(real));
  for (let round = 1; round <= 3; round++) {
    await ask(instance, "exit");
    // At once: the next one comes while nothing runs.
    const answers = await Promise.all(["a", "b", "c"].map((word) => ask(instance, `printf ${word}`)));
    expect(answers).toEqual(["a", "b", "c"]);
    await waitFor(instance, (status) => status.state === "ready" && status.restarts === round);
  }
  expect(instance.status.last_exit).toMatchObject({ code: 3 });
});

test("is found again by the next daemon", async () => {
  const real = await openRealEngine();
  const instance = await startReady(real.engine, await makeFunction(real));
  const later = await real.reopen();
  const found = await later.adopt(instance.id);
  expect(found?.address).toEqual(instance.address);
  expect(found === undefined ? "" : await ask(found, "printf here")).toBe("here");
  await found?.stop(0);
});
