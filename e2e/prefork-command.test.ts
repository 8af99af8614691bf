import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ask, eventually, findFreePort, fixture } from "./lib/platform.js";
import { classicFiles, crateFiles, iniText } from "./lib/prefork.js";
import { makeProject, type Project } from "./lib/project.js";

const main = fixture("packages/cli/dist/main.js");
const running: ChildProcess[] = [];
const projects: Project[] = [];
let home: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "bloom-prefork-"));
  // No daemon is asked; what is built on the way stays out of the user's own cache.
  env = { ...process.env, BLOOM_HOME: home, BLOOM_API: "http://127.0.0.1:1", XDG_CACHE_HOME: home };
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGTERM");
});
afterAll(async () => {
  for (const one of projects) await one.dispose();
  await rm(home, { recursive: true });
});

async function make(files: Readonly<Record<string, string>>): Promise<Project> {
  const made = await makeProject(files);
  projects.push(made);
  return made;
}

/** `bloom prefork` in this folder; `said` has all it has written. */
function serve(folder: Project, ...words: string[]) {
  const child = spawn(process.execPath, [main, "prefork", ...words], {
    cwd: folder.dir,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => said.push(line));
  }
  const ended = once(child, "close").then(([code]) => code as number);
  return { child, said, ended };
}

async function answers(port: number, said: readonly string[]): Promise<string> {
  const answer = await eventually(
    `an answer (${said.join("\n")})`,
    () => ask(port, "x", "/").catch(() => undefined),
    (found) => found !== undefined,
    120_000,
  );
  return answer?.body ?? "";
}

const refused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(false)).once("error", () => resolve(true));
    socket.once("connect", () => socket.destroy());
  });

test("builds the file of 2015, serves it, and leaves nothing behind after Ctrl-C", async () => {
  const port = await findFreePort();
  const folder = await make({
    ...classicFiles("Hello"),
    "app.ini": iniText("./libapp.so", ["rust-fn = application"], port),
  });
  const { child, said, ended } = serve(folder, "app.ini");
  expect(await answers(port, said)).toBe("Hello");
  expect(said.join("\n")).toContain("removed #![feature(collections)]");
  expect(existsSync(`${folder.dir}/libapp.so`)).toBe(true);
  child.kill("SIGINT");
  expect(await ended).toBe(0);
  expect(await refused(port)).toBe(true);

  // The library is as new as its source: nothing is built, and the file is as it was.
  const again = serve(folder, "app.ini");
  expect(await answers(port, again.said)).toBe("Hello");
  expect(again.said.join("\n")).not.toContain("removed #![feature(collections)]");
  again.child.kill("SIGTERM");
  expect(await again.ended).toBe(0);
});

test("builds a crate, and options of the command line come after those of the ini", async () => {
  const port = await findFreePort();
  const folder = await make(crateFiles("from a crate"));
  const { child, said, ended } = serve(
    folder,
    "app.ini",
    "--http-socket",
    `127.0.0.1:${port}`,
    "--http-socket",
    ":0",
  );
  expect(await answers(port, said)).toBe("from a crate");
  child.kill("SIGINT");
  expect(await ended).toBe(0);
});

test.each([
  ["an ini that is not there", ["none.ini"], /none\.ini/],
  ["a library that is not there", ["app.ini", "--no-build"], /libapp\.so/],
  ["an option that nobody knows", ["app.ini", "--procceses", "2"], /procceses.*processes/s],
])("%s is said, and the exit code is not 0", async (_, words, expected) => {
  const folder = await make(classicFiles("Hello"));
  const { said, ended } = serve(folder, ...words);
  expect(await ended).not.toBe(0);
  expect(said.join("\n")).toMatch(expected);
});

test("a source that does not compile is not served", async () => {
  const folder = await make({
    ...classicFiles("x"),
    "app.rs": '#![crate_type = "cdylib"]\nfn f() -> u32 { true }\n',
  });
  const { said, ended } = serve(folder, "app.ini");
  expect(await ended).toBe(11);
  expect(said.join("\n")).toContain("mismatched types");
});

test("--check looks at the ini and builds nothing", async () => {
  const folder = await make(classicFiles("x"));
  const { ended } = serve(folder, "app.ini", "--check");
  await ended;
  expect(existsSync(`${folder.dir}/libapp.so`)).toBe(false);
});
