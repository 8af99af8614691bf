import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { localDir } from "../../scripts/lib/paths.mjs";
import { root } from "./platform.mjs";

const host = process.env.BLOOM_PREFORK || join(localDir, "bin", "bloom-prefork");
const greeting = "\r\n\r\nHello";

/** The app, what joins it to uWSGI, and the clients, compiled into `folder`. Returns their paths. */
export function compileParts(folder) {
  const library = ["--crate-type", "cdylib"];
  const parts = [
    { name: "app", file: "app.so", kind: library },
    { name: "shim", file: "shim.so", kind: library },
    { name: "client", file: "client", kind: [] },
  ];
  return Object.fromEntries(
    parts.map(({ name, file, kind }) => {
      const path = join(folder, file);
      const source = join(root, "bench/prefork", `${name}.rs`);
      execFileSync("rustc", ["--edition", "2024", "-O", ...kind, source, "-o", path], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      return [name, path];
    }),
  );
}

/** Our host with the app as it was written for uWSGI's Rust plugin. `sockets` are options such as `--http-socket`. */
export function startOurs(parts, { folder, processes, threads, sockets, cpu }) {
  const args = ["--dlopen", parts.app, "--rust-fn", "application", "--chmod-socket=666"];
  return startSide({ program: host, args, folder, processes, threads, sockets, cpu, endSignal: "SIGTERM" });
}

/** uWSGI with the same app. `handler` is one of the shim's; uWSGI ends by SIGINT, for SIGTERM makes it reload. */
export function startUwsgi(parts, { folder, processes, threads, sockets, cpu, handler = "hello_sized" }) {
  const modifiers = ["--http-socket-modifier1", "18", "--chmod-socket=666"];
  const args = [
    "--master",
    "--plugin",
    "symcall",
    "--dlopen",
    parts.shim,
    "--symcall",
    handler,
    ...modifiers,
  ];
  return startSide({
    program: "uwsgi-core",
    args,
    folder,
    processes,
    threads,
    sockets,
    cpu,
    endSignal: "SIGINT",
  });
}

function startSide({ program, args, folder, processes, threads, sockets, cpu, endSignal }) {
  const all = [
    ...args,
    "--processes",
    processes,
    "--threads",
    threads,
    "--listen",
    1024,
    "--disable-logging",
  ];
  const path = join(folder, "log");
  const log = openSync(path, "a");
  const began = performance.now();
  const [command, ...rest] = onProcessor(cpu, [program, ...all, ...sockets].map(String));
  const child = spawn(command, rest, {
    cwd: folder,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const ended = new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
  return {
    pid: child.pid,
    began,
    log: () => readFileSync(path, "utf8").slice(-2000),
    hasEnded: () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null,
    async stop() {
      child.kill(endSignal);
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Waits for the first answer; returns it and how many milliseconds after the start of the program it came. */
export async function readFirstAnswer(side, port, path = "/") {
  for (;;) {
    const text = await ask(port, path).catch(() => undefined);
    if (text !== undefined) return { text, ms: performance.now() - side.began };
    if (side.hasEnded()) throw new Error(`a side ended before it answered:\n${side.log()}`);
    await delay(1);
  }
}

/** Until the text is there, or the end: uWSGI's http11-socket keeps connections whatever it is told. */
async function ask(port, path) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    socket
      .setEncoding("latin1")
      .write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) {
      text += chunk;
      if (text.endsWith(greeting)) break;
    }
    return text === "" ? undefined : text;
  } finally {
    socket.destroy();
  }
}

/** A command that keeps to one processor; with `cpu` undefined it is left alone. */
function onProcessor(cpu, argv) {
  return cpu === undefined ? argv : ["taskset", "--cpu-list", String(cpu), ...argv];
}

/** Runs the clients of bench/prefork/client.rs for some seconds. */
export async function runClients(parts, port, connections, seconds, cpu) {
  const client = startClient(parts, ["load", `127.0.0.1:${port}`, connections, seconds], cpu);
  return JSON.parse(await client.line());
}

/** The longest, in microseconds, that a program which only looks at the clock stood still on one processor. */
export async function watchClock(parts, seconds, cpu) {
  const client = startClient(parts, ["watch", seconds], cpu);
  return JSON.parse(await client.line()).stoodStill;
}

/** So many clients that have asked once and then stay. `release` tells how many connections were closed meanwhile. */
export async function holdClients(parts, port, connections) {
  const client = startClient(parts, ["hold", `127.0.0.1:${port}`, connections]);
  const counted = JSON.parse(await client.line());
  return {
    ...counted,
    async release() {
      client.stdin.end();
      return JSON.parse(await client.line());
    },
  };
}

function startClient(parts, args, cpu) {
  const [command, ...others] = onProcessor(cpu, [parts.client, ...args.map(String)]);
  const child = spawn(command, others, { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  let isOver = false;
  const wake = [];
  const tell = () => wake.splice(0).forEach((resolve) => resolve());
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
    tell();
  });
  child.stdout.once("end", () => {
    isOver = true;
    tell();
  });
  return {
    stdin: child.stdin,
    /** The next line. */
    async line() {
      while (!text.includes("\n") && !isOver) await new Promise((resolve) => wake.push(resolve));
      const [line = "", ...rest] = text.split("\n");
      text = rest.join("\n");
      if (line === "") throw new Error("the clients ended without a word");
      return line;
    },
  };
}
