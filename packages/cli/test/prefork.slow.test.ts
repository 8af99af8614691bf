import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const main = join(repository, "packages", "cli", "dist", "main.js");

// A process runs what is compiled.
beforeAll(() => {
  const tsc = join(repository, "node_modules", ".bin", "tsc");
  execFileSync(tsc, ["-b", join(repository, "packages", "cli")], { stdio: "pipe" });
});

let root: string;
const started: ChildProcess[] = [];
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), "bloom-prefork-"))));
afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await rm(root, { recursive: true });
});

/** Something in the host's place. */
async function makeHost(script: string): Promise<string> {
  const path = join(root, "host");
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

function start(argv: readonly string[], host: string): ChildProcess {
  const child = spawn(process.execPath, [main, "prefork", ...argv], {
    cwd: root,
    env: { PATH: process.env["PATH"], HOME: root, BLOOM_HOME: join(root, "home"), BLOOM_PREFORK: host },
    stdio: ["pipe", "pipe", "pipe"],
  });
  started.push(child);
  return child;
}

async function run(argv: readonly string[], host: string) {
  const child = start(argv, host);
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("no pipes");
  const [out, err, [code]] = await Promise.all([text(stdout), text(stderr), once(child, "exit")]);
  return { out, err, code: code as number };
}

test("the host gets all words behind the file as they are, in this folder, and its code is ours", async () => {
  const host = await makeHost('pwd; printf "<%s>" "$@"; exit 22');
  const words = ["app.ini:live", "--json", "-v", "--set", "a b", "--yes", "--no-color"];
  const { out, code } = await run(["--no-build", ...words], host);
  expect(out).toBe(`${root}\n${words.map((word) => `<${word}>`).join("")}`);
  expect(code).toBe(22);
  expect((await run([...words, "--no-build"], host)).out).toBe(out);
});

test("options may come first, as uwsgi takes them", async () => {
  const host = await makeHost('printf "<%s>" "$@"');
  const { out } = await run(["--http-socket", ":0", "--no-build", "app.ini"], host);
  expect(out).toBe("<--http-socket><:0><app.ini>");
});

test("signals go on to the host, each once, and the end by one is told as shells do", async () => {
  const names = ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "TSTP"];
  const traps = names.map((name) => `trap 'echo ${name}' ${name}`).join("; ");
  // `wait` ends at each signal; the last one cannot be trapped.
  const host = await makeHost(`${traps}; echo up $$; sleep 61 & nap=$!; n=0
while [ $n -lt ${names.length} ]; do wait $nap; n=$((n+1)); done; kill $nap; kill -KILL $$`);
  const child = start(["app.ini", "--no-build"], host);
  if (child.stdout === null) throw new Error("no pipe");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toMatch(/^up \d+$/);
  const ended = once(child, "exit");
  for (const name of names) {
    child.kill(`SIG${name}` as NodeJS.Signals);
    expect((await lines.next()).value).toBe(name);
  }
  expect(await ended).toEqual([137, null]);
});

test("a host that is not there, or is none, is said", async () => {
  const none = await run(["app.ini"], join(root, "none"));
  expect(none.code).toBe(1);
  expect(none.err).toContain("which is no program that can be run");
  expect(none.err).toContain("BLOOM_PREFORK");
  await writeFile(join(root, "text"), "no program\n", { mode: 0o755 });
  const other = await run(["app.ini", "--no-build"], join(root, "text"));
  expect(other.err).not.toContain("ERR_INTERNAL");
});

test("without a file there is nothing to serve", async () => {
  const { code, err } = await run([], await makeHost(""));
  expect(code).toBe(2);
  expect(err).toContain("missing required argument 'file'");
});
