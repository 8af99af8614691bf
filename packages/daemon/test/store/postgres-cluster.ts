import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";

/** A PostgreSQL server of the test's own, reached through a unix socket only. */
export interface Cluster {
  readonly url: string;
  /** Ends the server and removes everything it wrote. */
  stop(): Promise<void>;
}

/** The folder of the newest installed PostgreSQL's programs; undefined when there is none. */
export async function findPostgres(): Promise<string | undefined> {
  const root = "/usr/lib/postgresql";
  const versions = await readdir(root).catch(() => []);
  const newest = versions.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(root, newest, "bin");
}

/** Makes a cluster in a temporary folder and starts it; speed over safety, as its data is worth nothing. */
export async function startCluster(bin: string): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), "bloom-pg-"));
  try {
    const account = await findAccount();
    if (account.uid !== undefined) await chown(dir, account.uid, account.gid ?? account.uid);
    const data = join(dir, "data");
    const options = ["--auth=trust", "--username=bloom", "--no-sync", "--locale=C", "--encoding=UTF8"];
    await execa(join(bin, "initdb"), ["-D", data, ...options], { ...account, cwd: dir });
    const settings = {
      listen_addresses: "",
      unix_socket_directories: dir,
      fsync: "off",
      max_connections: "60",
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const server = spawn(join(bin, "postgres"), ["-D", data, ...flags], {
      ...account,
      cwd: dir,
      stdio: ["ignore", "ignore", "pipe"],
    });
    await untilReady(server);
    return {
      url: `postgres://bloom@localhost/postgres?host=${encodeURIComponent(dir)}`,
      async stop() {
        const exited = once(server, "exit");
        // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
        if (server.exitCode === null && server.kill("SIGINT")) await exited;
        await rm(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody`. */
async function findAccount(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const accounts = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const entry =
    accounts.find(([name]) => name === "postgres") ?? accounts.find(([name]) => name === "nobody");
  if (entry === undefined) throw new Error("neither `postgres` nor `nobody` exists to run PostgreSQL as");
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

async function untilReady(server: ChildProcess): Promise<void> {
  if (server.stderr === null) throw new Error("the server's messages cannot be read");
  const said: string[] = [];
  // The stream goes on being read after the line that is waited for, so that the server never blocks on it.
  const lines = createInterface({ input: server.stderr });
  await new Promise<void>((resolve, reject) => {
    lines.on("line", (line) => {
      said.push(line);
      if (line.includes("ready to accept connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`PostgreSQL did not start:\n${said.join("\n")}`)));
  });
}
