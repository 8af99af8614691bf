import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { readBody } from "./fake-function.js";
import { openHarness } from "./harness.js";

const holder = fileURLToPath(new URL("./queue-holder.mjs", import.meta.url));

// Needs the daemon compiled: the process that is killed is a real one.
test.each([0, 1, 5, 17, 49])(
  "none is lost and none runs twice when the daemon is killed after %i had ended",
  async (after) => {
    const count = 50;
    const runs = new Map<string, number>();
    let answered = 0;
    let reached = (): void => undefined;
    const enough = new Promise<void>((resolve) => (reached = resolve));
    let dying = true;
    const home = await openHarness(
      async (request, response) => {
        const id = String(request.headers["x-ignite-execution-id"]);
        runs.set(id, (runs.get(id) ?? 0) + 1);
        expect((await readBody(request)).toString()).toBe("hello");
        // The one that runs at the end hangs, so that the end is in its middle.
        if (dying && answered === after) return reached();
        answered++;
        response.end("done");
      },
      { concurrency: 1 },
    );
    const args = [
      holder,
      home.folder,
      join(home.folder, "live.sock"),
      home.place.environment.id,
      String(count),
    ];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const promised: string[] = [];
    const lines = createInterface(child.stdout);
    lines.on("line", (id) => promised.push(id));
    const read = once(lines, "close");
    await Promise.race([
      enough,
      once(child, "exit").then(() => Promise.reject(new Error("it ended by itself"))),
    ]);
    child.kill("SIGKILL");
    await read;
    dying = false;

    const invocations = await home.open();
    invocations.recover();
    const rows = await Promise.all(promised.map((id) => home.untilEnded(id)));
    const failed = rows.filter((row) => row.state !== "succeeded");
    expect(failed.map(({ state, error }) => [state, error])).toEqual(
      failed.map(() => ["failed", "the daemon ended while it ran"]),
    );
    // The one in the middle, and perhaps the one before it, whose end could not be written down any more.
    expect(failed.length).toBeLessThanOrEqual(2);
    expect([...runs.values()].every((times) => times === 1)).toBe(true);
    expect(promised.every((id) => runs.has(id))).toBe(true);
    expect(promised.length).toBeGreaterThan(0);
  },
);
