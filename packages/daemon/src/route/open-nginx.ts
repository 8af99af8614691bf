import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ShimSpec } from "@bloomery/contract";
import { askGeneration, findMaster } from "./ask-generation.js";
import { assertPortFree } from "./find-port-holder.js";
import { checkConfig, installConfig, stampConfig, type StampedConfig } from "./nginx-config-file.js";
import { planNginxPaths } from "./nginx-paths.js";
import { planNginxSpec, type NginxProgram } from "./plan-nginx-spec.js";
import { formatListen, type ListenAddress } from "./plan-upstream.js";
import { prepareNginxFolders } from "./prepare-nginx-folders.js";
import { defaultRotation, rotateFiles, type RotationLimits } from "./rotate-logs.js";
import { stopOrphan } from "./stop-orphan.js";
import { markErrorLog, waitInForce } from "./wait-in-force.js";

/** What nginx needs of the shim's control connection; `ControlClient` fits. */
export interface NginxHandle {
  signal(name: string): Promise<void>;
  restart(): Promise<void>;
  stop(graceMs: number | null): Promise<void>;
  readonly closed: Promise<void>;
  close(): void;
}

/** Starts and finds the process that keeps nginx running. */
export interface NginxSupervisor {
  startShim(spec: ShimSpec): Promise<void>;
  /** Rejects when nobody listens on the socket. */
  openControl(socketPath: string): Promise<NginxHandle>;
}

export interface NginxCoreOptions {
  /** The home's `nginx` folder. */
  readonly prefix: string;
  readonly program: NginxProgram;
  readonly listen: readonly ListenAddress[];
  readonly supervisor: NginxSupervisor;
  readonly rotation?: RotationLimits;
  readonly log: { warn(fields: object, text: string): void };
}

/** The one nginx of a home. */
export interface Nginx {
  /**
   * Brings a text into force: starts nginx, takes over the one of an earlier daemon, or reloads; resolves
   * when no worker accepts connections with an older text. Calls during a change become one, and the same
   * text again does nothing. Throws ERR_NGINX_CONFIG, ERR_NGINX_START or ERR_PORT_TAKEN; what served before goes on.
   */
  apply(text: string): Promise<void>;
  /** Which addresses the nginx that runs has open, so that they are no one else's. */
  readHeld(): Promise<(address: ListenAddress) => boolean>;
  /** Pid of the master; undefined while it is not running. */
  pid(): Promise<number | undefined>;
  /** Moves logs that have grown too large away; done every 10 s by itself. */
  rotateLogs(): Promise<void>;
  /** Makes nginx open its logs again. */
  reopenLogs(): Promise<void>;
  /** Ends nginx and its shim. May be called twice. */
  stop(): Promise<void>;
  /** Lets go; nginx goes on. */
  close(): void;
}

const rotateEveryMs = 10_000;

/** Makes the folders; nginx itself is started by the first `apply`. */
export async function openNginxWith(options: NginxCoreOptions): Promise<Nginx> {
  const { program, supervisor } = options;
  const paths = planNginxPaths(options.prefix);
  await prepareNginxFolders(paths, program.user);

  const connect = (): Promise<NginxHandle | undefined> =>
    supervisor.openControl(join(paths.shim, "control.sock")).catch(() => undefined);
  const withShim = async (act: (handle: NginxHandle) => Promise<void>): Promise<boolean> => {
    const handle = await connect();
    if (handle === undefined) return false;
    await act(handle).finally(() => handle.close());
    return true;
  };

  /** Installs the text, lets `act` tell nginx, and waits; on failure the text before is put back. */
  const bring = async ({ generation, text }: StampedConfig, act: () => Promise<unknown>): Promise<void> => {
    const mark = await markErrorLog(paths);
    const installed = await installConfig(paths, text);
    try {
      await act();
      await waitInForce(paths, generation, text, mark);
    } catch (error) {
      await installed.undo();
      throw error;
    }
    await installed.keep();
  };
  const check = ({ text }: StampedConfig): Promise<void> => checkConfig(program, paths, text);
  /**
   * A running nginx reads a text before it lets go of the one it has, so it is not asked twice: reading takes as long
   * as the reload itself. Only a refusal is looked into.
   */
  const reload = async (config: StampedConfig, handle: NginxHandle): Promise<void> => {
    try {
      await bring(config, () => handle.signal("HUP"));
    } catch (error) {
      await check(config);
      throw error;
    }
  };
  const launch = async (config: StampedConfig): Promise<void> => {
    await stopOrphan(paths);
    for (const address of options.listen) await assertPortFree(address, "with --http-port");
    await check(config);
    try {
      await bring(config, () => supervisor.startShim(planNginxSpec(program, paths)));
    } catch (error) {
      await end();
      throw error;
    }
  };
  const change = async (config: StampedConfig): Promise<void> => {
    const serving = await askGeneration(paths);
    const isServing = serving !== undefined;
    const isSupervised = await withShim(async (handle) => {
      if (serving === config.generation) return;
      if (isServing) await assertNewPorts();
      if (isServing) return reload(config, handle);
      // With its shim there but no answer, nginx is failing again and again with the text it has.
      await check(config);
      await bring(config, () => handle.restart());
    });
    if (!isSupervised) await launch(config);
  };
  const readHeld = async (): Promise<(address: ListenAddress) => boolean> => {
    const isRunning = (await findMaster(paths)) !== undefined;
    const text = isRunning ? await readFile(paths.config, "utf8").catch(() => "") : "";
    const held = new Set(Array.from(text.matchAll(/^\t*listen (\S+) /gm), ([, address]) => address));
    return (address) => held.has(formatListen(address));
  };
  /** Addresses that the running nginx does not hold itself. */
  const assertNewPorts = async (): Promise<void> => {
    const isHeld = await readHeld();
    for (const address of options.listen) {
      if (!isHeld(address)) await assertPortFree(address, "with --http-port");
    }
  };
  const end = async (): Promise<void> => {
    await withShim(async (handle) => {
      // It may be gone before it has answered; its end is what counts.
      await handle.stop(null).catch(() => undefined);
      await handle.closed;
    });
    await rm(paths.generationSocket, { force: true });
  };
  const reopenLogs = async (): Promise<void> => void (await withShim((handle) => handle.signal("USR1")));
  const logs = [paths.accessLog, paths.errorLog, paths.streamLog, paths.streamAccessLog];
  const rotateLogs = async (): Promise<void> => {
    if (await rotateFiles(logs, options.rotation ?? defaultRotation)) await reopenLogs();
  };

  const timer = setInterval(() => {
    rotateLogs().catch((err: unknown) => options.log.warn({ err }, "nginx's logs could not be rotated"));
  }, rotateEveryMs).unref();
  let wanted = "";
  let gathering: Promise<void> | undefined;
  // One change at a time; those that wait take the newest text.
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = tail.then(work);
    tail = mine.catch(() => undefined);
    return mine;
  };
  /** Everything that is wanted while a change is under way becomes the next one. */
  const gather = (): Promise<void> =>
    inTurn(() => {
      gathering = undefined;
      const config = stampConfig(wanted);
      // Of many apps it is long; nginx has it from here on.
      wanted = "";
      return change(config);
    });

  return {
    apply(text) {
      wanted = text;
      return (gathering ??= gather());
    },
    readHeld,
    pid: () => findMaster(paths),
    rotateLogs,
    reopenLogs,
    async stop() {
      clearInterval(timer);
      await inTurn(end);
    },
    close: () => clearInterval(timer),
  };
}
