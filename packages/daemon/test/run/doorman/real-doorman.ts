import { existsSync, readFileSync, readdirSync } from "node:fs";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openDoorman, type Doorman, type DoormanOptions } from "../../../src/run/doorman/doorman.js";
import { planDoorFolder, planDoorman, type DoorPlan } from "../../../src/run/doorman/plan-doorman.js";
import type { InstanceAddress } from "../../../src/run/engines/engine.js";
import { findShim } from "../../build/helpers.js";

/** A home in which daemons come and go; whatever is left of it is ended with the test. */
export async function makeHome() {
  const shimPath = findShim();
  if (shimPath === null) throw new Error("bloom-shim is not built");
  const folder = await mkdtemp(join(tmpdir(), "bloom-doorman-"));
  const warnings: string[] = [];
  const log = { warn: (_fields: object, text: string) => void warnings.push(text) };
  const options: DoormanOptions = { shimPath, folder, owner: null, log };
  const opened: Doorman[] = [];
  onTestFinished(async () => {
    for (const doorman of opened) await doorman.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    ...{ folder, shimPath, warnings },
    async open(changes: Partial<DoormanOptions> = {}): Promise<Doorman> {
      const doorman = await openDoorman({ ...options, ...changes });
      opened.push(doorman);
      return doorman;
    },
    door(id: string, changes: Partial<DoorPlan> = {}): DoorPlan {
      const path = join(planDoorFolder(folder), `${id}.sock`);
      return { id, path, waitMs: 30_000, limit: 1000, ...changes };
    },
    /** Zero while none is written down. */
    pid(protocol?: number): number {
      const { record } = planDoorman(folder, protocol);
      if (!existsSync(record)) return 0;
      return (JSON.parse(readFileSync(record, "utf8")) as { pid: number }).pid;
    },
    /** Processes that have this folder among their arguments. */
    processes(): number[] {
      const pids = readdirSync("/proc").map(Number).filter(Boolean);
      return pids.filter((pid) => readArguments(pid).includes(folder));
    },
  };
}

function readArguments(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** An app that gives everything back, and ends when its client does. */
export async function startEcho(): Promise<InstanceAddress & { kind: "tcp" }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { kind: "tcp", address: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

/** Somebody who knocks. */
export async function visit(door: { readonly path: string } | { readonly port: number }) {
  const socket = "path" in door ? connect(door.path) : connect(door.port, "127.0.0.1");
  socket.on("error", () => undefined);
  const ended = once(socket, "close");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return {
    socket,
    /** Fulfils when it was sent away, or its app has ended. */
    ended,
    /** Says something and waits until it comes back. */
    async echo(text: string): Promise<void> {
      let heard = "";
      socket.write(text);
      while (heard !== text) {
        const [chunk] = (await Promise.race([once(socket, "data"), ended.then(() => [undefined])])) as [
          Buffer | undefined,
        ];
        if (chunk === undefined) throw new Error(`the end came instead of ${text}`);
        heard += chunk.toString();
      }
    },
  };
}
