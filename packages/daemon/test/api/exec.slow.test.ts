import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import type { ExecOutput } from "@bloomery/contract";
import { cleanUp, cleanups, openRealEngine, startReady } from "../run/engines/real-engine.js";
import { beginRequest, openInsideBench } from "./inside-bench.js";

afterEach(cleanUp);

test("a command that does not heed that its client has gone is killed", async () => {
  const bench = await openInsideBench({});
  cleanups.push(() => bench.close());
  const { sent, answered } = beginRequest(bench, "/exec");
  const script = "trap '' HUP TERM; echo up; while :; do sleep 0.1; done";
  sent.write(`${JSON.stringify({ command: ["/bin/sh", "-c", script] })}\n`);
  const answer = await answered;
  answer.on("error", () => undefined);
  for (let seen = ""; !seen.includes("output");) {
    const [chunk] = (await once(answer, "data")) as [Buffer];
    seen += chunk.toString();
  }
  sent.destroy();
  expect(await bench.commands[0]?.exit).toEqual({ code: 137, signal: "KILL" });
});

test("runs in a real instance, with a terminal that can be resized and typed to", async () => {
  const { engine, makeWish } = await openRealEngine();
  const app = await startReady(engine, await makeWish());
  const bench = await openInsideBench({ instances: [app] });
  cleanups.push(() => bench.close());
  const { sent, answered } = beginRequest(bench, "/exec");
  cleanups.push(async () => sent.destroy());
  const say = (line: object): boolean => sent.write(`${JSON.stringify(line)}\n`);
  const script =
    'pwd; test -t 0 && test -t 1 && stty size; read -r word; stty size; echo "heard $word"; exit 7';
  say({ command: ["/bin/sh", "-c", script], tty: { rows: 30, cols: 90 } });
  let shown = "";
  let exit: ExecOutput | undefined;
  let isAnswered = false;
  for await (const text of createInterface({ input: await answered })) {
    const line = JSON.parse(text) as ExecOutput;
    if (line.type === "started") expect(line.instance).toBe(app.id);
    if (line.type === "output") shown += Buffer.from(line.data, "base64").toString();
    if (line.type === "exit") exit = line;
    if (isAnswered || !shown.includes("30 90")) continue;
    isAnswered = true;
    say({ resize: { rows: 41, cols: 101 } });
    say({ stdin: btoa("hello\n") });
  }
  expect(shown).toMatch(/^\/app\r\n30 90\r\n[^]*41 101\r\nheard hello\r\n$/);
  expect(exit).toEqual({ type: "exit", code: 7, signal: null });
  const [activity] = await bench.store.activities.list();
  expect(activity).toMatchObject({ state: "failed", parameters: { tty: true } });
  expect(JSON.stringify(activity)).not.toContain("hello");
});
