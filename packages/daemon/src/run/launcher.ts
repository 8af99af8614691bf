import { spawn, type ChildProcess } from "node:child_process";
import { connect, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

/** A shim that waits for its order. It keeps no daemon from ending but while it is held. */
export interface LaunchedShim {
  readonly input: Writable;
  /** Its first words; fewer than a line when it ended before. Rejects when it could not be started at all. */
  readonly hello: Promise<string>;
  /** Fulfils when it has ended or has let go of its streams. */
  readonly gone: Promise<void>;
  hold(): void;
  letGo(): void;
}

/**
 * Starts shims. A process of Node's size stands still for many milliseconds when it starts another one, so a small
 * one, `bloom-shim launch`, does it: each connection to its socket becomes a shim. Whenever it cannot be had, Node does
 * it itself.
 */
export interface Launcher {
  launch(words: readonly string[]): Promise<LaunchedShim>;
  open(): void;
  close(): Promise<void>;
}

/** One that ends again and again must not keep the daemon busy. */
const pauseMs = 1_000;

export function createLauncher(options: {
  readonly shimPath: string;
  /** Where the small one listens. */
  readonly socket: string;
  readonly log: { warn(fields: object, text: string): void };
}): Launcher {
  let child: ChildProcess | undefined;
  let isReady = false;
  let isOpen = false;
  let timer: NodeJS.Timeout | undefined;
  let ended: Promise<void> = Promise.resolve();

  const begin = (): void => {
    if (!isOpen) return;
    const begun = spawn(options.shimPath, ["launch", options.socket], {
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    });
    child = begun;
    ended = new Promise((resolve) => {
      const end = (): void => {
        resolve();
        if (child !== begun) return;
        child = undefined;
        isReady = false;
        if (!isOpen) return;
        options.log.warn({ code: begun.exitCode }, "what starts shims has ended; it is started again");
        timer = setTimeout(begin, pauseMs).unref();
      };
      begun.once("error", end);
      begun.once("exit", end);
    });
    begun.stdout.once("data", () => (isReady = true));
    for (const stream of [begun.stdin, begun.stdout]) {
      stream.on("error", () => undefined);
      (stream as Socket).unref();
    }
    begun.unref();
  };

  return {
    async launch(words) {
      const shim = isReady ? await connectTo(options.socket, words) : undefined;
      return shim ?? spawnShim(options.shimPath, words);
    },
    open() {
      isOpen = true;
      begin();
    },
    async close() {
      isOpen = false;
      clearTimeout(timer);
      // Now it does keep this process: with it would end what it has to wait for.
      child?.ref();
      child?.stdin?.end();
      await ended;
    },
  };
}

/** Undefined: nobody is there. */
function connectTo(path: string, words: readonly string[]): Promise<LaunchedShim | undefined> {
  return new Promise((resolve) => {
    // The shim reads to the end of what it is told, and answers then.
    const socket = connect({ path, allowHalfOpen: true });
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => {
      socket.write(`${JSON.stringify(words)}\n`);
      const gone = new Promise<void>((settle) => {
        socket.once("end", () => socket.end());
        socket.once("close", () => settle());
      });
      socket.unref();
      resolve({
        ...{ input: socket, hello: readHello(socket), gone },
        hold: () => void socket.ref(),
        letGo: () => void socket.unref(),
      });
    });
  });
}

/** Throws when this machine cannot start a process at all. */
export function spawnShim(shimPath: string, words: readonly string[]): LaunchedShim {
  const child = spawn(shimPath, [...words], { detached: true, stdio: ["pipe", "pipe", "ignore"] });
  const failed = new Promise<never>((_resolve, reject) => child.once("error", reject));
  failed.catch(() => undefined);
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const streams = [child.stdin, child.stdout] as unknown as Socket[];
  for (const stream of streams) {
    stream.on("error", () => undefined);
    stream.unref();
  }
  child.unref();
  const hello = Promise.race([readHello(child.stdout), failed]);
  hello.catch(() => undefined); // whoever gives it an order is told
  return {
    ...{ input: child.stdin, hello, gone },
    hold() {
      child.ref();
      for (const stream of streams) stream.ref();
    },
    letGo() {
      child.unref();
      for (const stream of streams) stream.unref();
    },
  };
}

/** Read from the beginning, because only whoever reads sees an end. */
function readHello(output: Readable): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    output.setEncoding("utf8");
    output.on("data", (chunk: string) => {
      text += chunk;
      if (text.endsWith("\n")) resolve(text);
    });
    output.once("end", () => resolve(text));
    output.once("close", () => resolve(text));
    output.on("error", () => undefined);
  });
}
