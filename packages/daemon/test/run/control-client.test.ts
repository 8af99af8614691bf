import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ShimStatus } from "@bloomery/contract";
import { openControlClient } from "../../src/run/control-client.js";
import { makeTempDir } from "../build/helpers.js";

const status: ShimStatus = {
  ...{ id: "i-1", state: "ready", pid: 2, sandbox_pid: 1, shim_pid: 3, shim_start: 4 },
  ...{ started_at: null, ready_at: null, ready_ms: null, restarts: 0, consecutive_failures: 0 },
  ...{ ready_timeout: false, last_exit: null, last_probe: null, listening: [], listens: [] },
  ...{ connections: 0, accepted: null },
  ...{ memory_bytes: null, oom_kills: 0, pids_limit_hits: 0, warnings: [] },
};

test("a shim that is killed before it has read a request is lost, and nothing worse", async () => {
  const path = join(await makeTempDir(), "control.sock");
  let shim: Socket | undefined;
  const server = createServer((socket) => {
    shim = socket;
    socket.once("data", () => {
      socket.write(`${JSON.stringify({ id: 1, ok: true, status })}\n`);
      // From now on nothing is read.
      socket.pause();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  const client = await openControlClient(path);
  const asked = client.refresh();
  // A socket that is closed with something unread in it is reset.
  setImmediate(() => shim?.destroy());
  await expect(asked).rejects.toMatchObject({ code: "ERR_INSTANCE_LOST" });
  await client.closed;
});
