import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { planCommand, planLine, planWithoutSocket } from "../../src/run/plan-command.js";

interface Outcome {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an argument list to its end, with something on its standard input. */
function run(argv: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const [program = "", ...rest] = argv;
    const child = execFile(program, rest, { env: { PATH: "/usr/bin:/bin" } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr }),
    );
    child.stdin?.on("error", () => undefined); // a script may end before it has read anything
    child.stdin?.end("input");
  });
}

async function makeFolder(environment: string | null): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bloomery it's-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  if (environment !== null) await writeFile(join(folder, ".environment"), environment);
  return folder;
}

test("without a file the line simply runs, in the app's folder", async () => {
  const folder = await makeFolder(null);
  const line = 'echo "$PWD|$#|it\'s"; cat; exit 3';
  expect(await run(planLine(line, folder))).toEqual({
    code: 3,
    stdout: `${folder}|0|it's\ninput`,
    stderr: "",
  });
});

test("the file has the last word, and its own printing, reading, folder and arguments stay its own", async () => {
  const folder = await makeFolder(
    'echo noise\nset -- a b\ncd /\ncat\nexport FOO=bar\nPATH="$PATH:/extra"\nset -u\nhelper() { :; }\n',
  );
  const line =
    'echo "$FOO|$PWD|$#|$PATH|$UNSET"; type helper bloom_environment >/dev/null 2>&1 || echo gone; cat';
  const { code, stdout, stderr } = await run(planLine(line, folder));
  expect(stdout).toBe(`bar|${folder}|0|/usr/bin:/bin:/extra|\ngone\ninput`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "noise\n" });
});

test("arguments reach a command as they are", async () => {
  const folder = await makeFolder("export A=1");
  const words = ["", "a b", "$A", "'", '"', "-n", "\\", "new\nline", "*"];
  const { stdout } = await run(planCommand(["/usr/bin/printf", "[%s]", ...words], folder));
  expect(stdout).toBe(words.map((word) => `[${word}]`).join(""));
});

test.each([
  ["exit 0", 1],
  ["exit 3", 3],
  ["set -e\nfalse\necho no", 1],
  ["set -u\necho $NOTHING", 2],
  ["if then", 2],
  ['echo "$(', 2],
])("a file that ends the shell is a command that failed: %j", async (text, code) => {
  const folder = await makeFolder(text);
  const outcome = await run(planLine("echo started", folder));
  expect({ code: outcome.code, stdout: outcome.stdout }).toEqual({ code, stdout: "" });
  expect(outcome.stderr).toContain(`.environment ended with code`);
});

test.each([
  "return 4",
  "false",
  "set -e; export A=1",
  "trap 'echo mine' EXIT",
  "exec 9>&1",
  "",
  "\u0000\u0001",
])("a file that only stumbles lets the command start: %j", async (text) => {
  const folder = await makeFolder(text);
  const outcome = await run(planLine("false; echo started; exit 7", folder));
  expect({ code: outcome.code, stdout: outcome.stdout }).toEqual({ code: 7, stdout: "started\n" });
});

test("a folder of that name is told of and passed over", async () => {
  const folder = await makeFolder(null);
  await mkdir(join(folder, ".environment"));
  const outcome = await run(planLine("echo started", folder));
  expect(outcome).toEqual({
    code: 0,
    stdout: "started\n",
    stderr: "bloom: .environment is not a file and was not read\n",
  });
});

test("a missing program and a missing folder have their own codes", async () => {
  const folder = await makeFolder(null);
  expect((await run(planCommand(["no-such-program"], folder))).code).toBe(127);
  expect((await run(planCommand(["/bin/true"], join(folder, "gone")))).code).toBe(126);
});

test("the process that was started becomes the command: no shell stays between", async () => {
  const folder = await makeFolder("export A=1");
  const inner = ["/bin/sh", "-c", "echo $$"];
  const child = execFile("/bin/sh", ["-c", 'exec "$@"', "sh", ...planCommand(inner, folder)]);
  const pid = await new Promise<string>((resolve) => child.stdout?.once("data", resolve));
  expect(Number(pid)).toBe(child.pid);
});

test("a socket that was left behind is removed first", async () => {
  const folder = await makeFolder(null);
  const socket = join(folder, "app.sock");
  await writeFile(socket, "");
  const command = planWithoutSocket(socket, ["/bin/sh", "-c", 'ls -A "$1"; echo "$1"', "sh", folder]);
  expect((await run(command)).stdout).toBe(`${folder}\n`);
});
