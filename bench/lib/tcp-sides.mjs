import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { edit, findFreePort, root } from "./platform.mjs";

const run = promisify(execFile);

/** Compiles the clients into `folder`; returns the path. */
export function compileLoad(folder) {
  const program = join(folder, "load");
  execFileSync("rustc", ["--edition", "2024", "-O", join(root, "bench/tcp/load.rs"), "-o", program], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return program;
}

/** The echo server of the examples with a port of its own, in `folder`; `toml` is its bloom.toml. */
export async function makeEcho(folder, toml = "") {
  cpSync(join(root, "examples/tcp-echo"), folder, { recursive: true });
  const port = await findFreePort();
  edit(join(folder, "src", "main.rs"), (text) => text.replace("7878", String(port)));
  writeFileSync(join(folder, "bloom.toml"), toml.replaceAll("PORT", String(port)));
  return port;
}

/** The same server without any platform. */
export async function startStraight(folder) {
  const port = await makeEcho(folder);
  execFileSync("cargo", ["build", "--release", "--quiet"], {
    cwd: folder,
    env: { ...process.env, CARGO_TARGET_DIR: join(folder, "target") },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const child = spawn(join(folder, "target/release/tcp-echo"), { stdio: "ignore" });
  await accepts(port);
  return { port, stop: () => end(child) };
}

/** HAProxy in front of a port, as its packages set it up for plain TCP. */
export async function startHaproxy(folder, target) {
  const port = await findFreePort();
  const file = join(folder, "haproxy.cfg");
  writeFileSync(
    file,
    `global
  maxconn 8000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend edge
  bind 127.0.0.1:${port}
  default_backend app
backend app
  server app 127.0.0.1:${target}
`,
  );
  const child = spawn("haproxy", ["-f", file, "-db"], { stdio: "ignore" });
  await accepts(port);
  return { port, pid: child.pid, stop: () => end(child) };
}

/** One run of the clients in a mode that ends by itself; what they counted. */
export async function load(program, mode, port, ...words) {
  const { stdout } = await run(program, [mode, `127.0.0.1:${port}`, ...words.map(String)]);
  return JSON.parse(stdout);
}

/** The same in a mode that goes on until it is told to stop, which then returns what they counted. */
export async function startLoad(program, mode, port, ...words) {
  const child = spawn(program, [mode, `127.0.0.1:${port}`, ...words.map(String)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return async () => {
    child.stdin.end();
    return JSON.parse((await lines.next()).value);
  };
}

async function accepts(port) {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.end();
    socket.on("error", () => undefined);
    if (isOpen) return;
    await delay(25);
  }
  throw new Error(`nobody listens on ${port}`);
}

async function end(child) {
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}
