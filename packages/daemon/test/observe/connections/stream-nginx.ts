import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "../../../../../scripts/lib/find-free-port.mjs";
import { nginxBinary } from "../../route/real-nginx.js";

/** A real nginx with one `stream` server, and clients of it. */
export interface StreamNginx {
  readonly log: string;
  readonly port: number;
  /** Connects and says a word; resolves when the app has answered. */
  talk(word: string): Promise<Socket>;
  /** Moves the log aside as the daemon does. */
  rotate(): Promise<void>;
  /** Ends all workers as a crash does; the master starts new ones. */
  killWorkers(): Promise<void>;
  close(): Promise<void>;
}

export async function startStreamNginx(
  proxyPass: string,
  more: { readonly server?: string; readonly isDual?: boolean } = {},
): Promise<StreamNginx> {
  const prefix = await mkdtemp(join(tmpdir(), "bloom-stream-"));
  const log = join(prefix, "log", "stream.log");
  await mkdir(join(prefix, "log"));
  const port = await findFreePort();
  const host = "127.0.0.1";
  const listen = more.isDual === true ? `[::]:${port} ipv6only=off` : `${host}:${port}`;
  await writeFile(
    join(prefix, "nginx.conf"),
    `load_module ${await findStreamModule()};
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 2;
pid ${prefix}/pid;
error_log ${prefix}/log/error.log warn;
events { worker_connections 1024; }
stream {
	error_log ${log} info;
	server { listen ${listen}; proxy_pass ${proxyPass}; ${more.server ?? ""} }
}
`,
  );
  const child = spawn(nginxBinary, ["-p", prefix, "-c", join(prefix, "nginx.conf")], { stdio: "ignore" });
  // Written when it listens.
  await waitFor(async () => (await readFile(join(prefix, "pid"), "utf8").catch(() => "")) !== "").catch(
    async (error: unknown) => {
      await end(child);
      throw error;
    },
  );
  const clients: Socket[] = [];
  return {
    log,
    port,
    async talk(word) {
      const socket = connect({ host, port, allowHalfOpen: true });
      socket.on("error", () => undefined);
      clients.push(socket);
      socket.write(word);
      await once(socket, "data");
      return socket;
    },
    async rotate() {
      await rename(log, `${log}.1`);
      child.kill("SIGUSR1");
      await waitFor(async () => (await readFile(log).catch(() => undefined)) !== undefined);
    },
    async killWorkers() {
      const listed = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
      const pids = listed.trim().split(" ").map(Number);
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await waitFor(async () => {
        const now = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
        return pids.every((pid) => !now.trim().split(" ").map(Number).includes(pid)) && now.trim() !== "";
      });
    },
    async close() {
      for (const client of clients) client.destroy();
      await end(child);
      await rm(prefix, { recursive: true, force: true });
    },
  };
}

async function findStreamModule(): Promise<string> {
  const path = "/usr/lib/nginx/modules/ngx_stream_module.so";
  await readFile(path);
  return path;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

export async function waitFor(isDone: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 10_000;
  while (!(await isDone())) {
    if (Date.now() > limit) throw new Error("it did not happen within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
