import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import { openControlClient } from "../run/control-client.js";
import { startShim } from "../run/start-shim.js";
import { askGeneration, findMaster } from "./ask-generation.js";
import { assertPortFree } from "./find-port-holder.js";
import { planNginxPaths } from "./nginx-paths.js";
import { isAtLeast, type NginxVersion } from "./plan-http.js";
import { generationMark } from "./plan-nginx.js";
import { planNginxCommand, planNginxSpec, type NginxProgram } from "./plan-nginx-spec.js";
import type { ListenAddress } from "./plan-server.js";
import { defaultRotation, rotateFiles } from "./rotate-logs.js";

export interface NginxOptions {
  /** The home's `nginx` folder. */
  readonly prefix: string;
  readonly program: NginxProgram;
  readonly shimPath: string;
  readonly listen: ListenAddress;
  readonly log: { warn(fields: object, text: string): void };
}

/** The one nginx of this daemon. */
export interface Nginx {
  /**
   * Puts a configuration in force: checked first, then reloaded (or started), then awaited. Calls during a
   * change are merged into one more change. Throws ERR_NGINX_CONFIG with nginx's words; the old one stays.
   */
  apply(text: string): Promise<void>;
  /** Pid of the master; undefined while it is not running. */
  pid(): Promise<number | undefined>;
  /** Ends nginx. */
  stop(): Promise<void>;
  /** Lets go; nginx goes on. */
  close(): void;
}

const inForceLimitMs = 10_000;
const rotationEveryMs = 30_000;

/** The version as three numbers. Throws ERR_SYSTEM_PACKAGE_MISSING when nginx does not say. */
export function readNginxVersion(binary: string): Promise<NginxVersion> {
  return new Promise((resolve, reject) => {
    execFile(binary, ["-v"], (_error, stdout, stderr) => {
      const match = /nginx\/(\d+)\.(\d+)\.(\d+)/.exec(`${stdout}${stderr}`);
      if (match !== null) return resolve([Number(match[1]), Number(match[2]), Number(match[3])]);
      reject(new BloomError("ERR_SYSTEM_PACKAGE_MISSING", `${binary} does not tell its version`));
    });
  });
}

export async function openNginx(options: NginxOptions): Promise<Nginx> {
  const { program } = options;
  const paths = planNginxPaths(options.prefix);
  const socket = join(paths.shim, "control.sock");
  for (const folder of [paths.shim, paths.run, paths.temp, paths.logs]) {
    await mkdir(folder, { recursive: true });
    if (program.user !== null && folder !== paths.shim) await chown(folder, program.user.uid, program.user.gid);
  }
  await chmod(paths.shim, 0o700);

  const start = async (): Promise<void> => {
    await assertPortFree(options.listen, "--http-port");
    await startShim(options.shimPath, planNginxSpec(program, paths));
  };
  /** A shim that stands keeps nginx running by itself; one that was killed has taken nginx along or left it. */
  const ensureRunning = async (): Promise<boolean> => {
    const client = await openControlClient(socket).catch(() => undefined);
    if (client !== undefined) {
      client.close();
      return false;
    }
    const orphan = await findMaster(paths);
    if (orphan !== undefined) {
      process.kill(orphan, "SIGTERM");
      await waitFor(async () => (await findMaster(paths)) === undefined, inForceLimitMs);
    }
    await start();
    return true;
  };

  let current = await readFile(paths.config, "utf8").catch(() => "");
  const change = async (text: string): Promise<void> => {
    const generation = createHash("sha256").update(text).digest("hex").slice(0, 16);
    const final = text.replaceAll(generationMark, generation);
    const fresh = `${paths.config}.new`;
    if (final !== current) {
      await writeFile(fresh, final, { mode: 0o644 });
      await check(program, paths, fresh);
      await rename(fresh, paths.config);
      current = final;
    }
    if (await ensureRunning()) return waitInForce(generation);
    if ((await askGeneration(paths)) === generation) return;
    const client = await openControlClient(socket);
    await client.signal("HUP").finally(() => client.close());
    await waitInForce(generation);
  };
  const waitInForce = async (generation: string): Promise<void> => {
    // Two answers in a row: after a reload an old worker may still take one of our connections.
    let hits = 0;
    const isInForce = async (): Promise<boolean> => {
      hits = (await askGeneration(paths)) === generation ? hits + 1 : 0;
      return hits >= 2;
    };
    if (await waitFor(isInForce, inForceLimitMs)) return;
    const words = await readFile(paths.errorLog, "utf8").catch(() => "");
    throw new BloomError("ERR_NGINX_START", "nginx does not answer with its new configuration", {
      details: { log: words.split("\n").slice(-10) },
    });
  };

  // One change at a time; those that wait want the newest text only.
  let running: Promise<void> | undefined;
  let next: { text: string; done: Promise<void> } | undefined;
  const apply = (text: string): Promise<void> => {
    if (running === undefined) {
      running = change(text).finally(() => (running = undefined));
      return running;
    }
    if (next !== undefined) {
      next.text = text;
      return next.done;
    }
    const waiting: { text: string; done: Promise<void> } = { text, done: Promise.resolve() };
    const before = running;
    waiting.done = before
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return apply(waiting.text);
      });
    next = waiting;
    return waiting.done;
  };

  const rotation = setInterval(() => {
    void (async () => {
      const moved = await rotateFiles([paths.accessLog, paths.errorLog], defaultRotation);
      const master = moved ? await findMaster(paths) : undefined;
      if (master !== undefined) process.kill(master, "SIGUSR1");
    })().catch((err: unknown) => options.log.warn({ err }, "nginx's logs could not be rotated"));
  }, rotationEveryMs).unref();

  return {
    apply,
    pid: () => findMaster(paths),
    async stop() {
      clearInterval(rotation);
      await running?.catch(() => undefined);
      const client = await openControlClient(socket).catch(() => undefined);
      if (client === undefined) return;
      await client.stop(null).catch(() => undefined);
      await client.closed;
      await rm(paths.generationSocket, { force: true });
    },
    close: () => clearInterval(rotation),
  };
}

/** Asks nginx itself; as the user it will run as would be truer, but root may read everything that user may. */
function check(program: NginxProgram, paths: ReturnType<typeof planNginxPaths>, config: string): Promise<void> {
  const log = isAtLeast(program.version, [1, 19, 5]) ? "stderr" : paths.errorLog;
  const [binary = "nginx", ...argv] = planNginxCommand(program, paths, config, log);
  const user = program.user === null ? {} : { uid: program.user.uid, gid: program.user.gid };
  return new Promise((resolve, reject) => {
    execFile(binary, [...argv, "-t", "-q"], user, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      reject(new BloomError("ERR_NGINX_CONFIG", `nginx refuses the configuration: ${stderr.trim() || error.message}`));
    });
  });
}

/** nginx tells nobody when it is done; it is asked every few milliseconds. */
async function waitFor(probe: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  for (const end = Date.now() + limitMs; Date.now() < end; ) {
    if (await probe()) return true;
    await delay(10);
  }
  return false;
}
