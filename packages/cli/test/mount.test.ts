import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { create, Header, type HeaderData } from "tar";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MountView } from "@bloomery/contract";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";
import { readTar } from "./read-tar.js";

const uploads: MountView = {
  path: "uploads",
  source: "storage",
  sourcePath: "uploads",
  usedBytes: 14_200_000,
  volumeBytes: 256_000_000,
  persistent: true,
};
const scratch: MountView = {
  path: ".scratch",
  source: "tmp",
  sourcePath: "",
  usedBytes: null,
  volumeBytes: null,
  persistent: false,
};

let daemon: FakeDaemon;
let root: string;
beforeEach(async () => {
  daemon = await startFakeDaemon();
  daemon.answers.listMounts = { body: { mounts: [scratch, uploads] } };
  daemon.answers.uploadMount = { body: { ok: true } };
  root = await mkdtemp(join(tmpdir(), "bloom-mount-"));
});
afterEach(async () => {
  await daemon.close();
  await rm(root, { recursive: true });
});

const mount = (...argv: string[]): ReturnType<typeof run> =>
  run(["mount", ...argv], { BLOOM_API: daemon.url }, root);

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

const cells = (text: string): string[][] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));

describe("looking", () => {
  test("list shows the mounts, and does not ask for sizes", async () => {
    const { stdout } = await mount("list", "acme:shop", "-e", "staging");
    expect(cells(stdout).slice(1)).toEqual([
      [".scratch", "tmp", "/", "no"],
      ["uploads", "storage", "uploads", "yes"],
    ]);
    expect(daemon.calls[0]).toMatchObject({
      params: { org: "acme", app: "shop", environment: "staging" },
      query: {},
    });
  });

  test("size shows what they hold, all or one", async () => {
    const { stdout } = await mount("size", "shop");
    expect(cells(stdout).slice(1)).toEqual([
      [".scratch", "-", "-", "no"],
      ["uploads", "14.2 MB", "256.0 MB", "yes"],
    ]);
    expect(daemon.calls[0]?.query).toEqual({ size: "true" });
    const one = await mount("size", "shop", "/uploads/", "--json");
    expect(JSON.parse(one.stdout)).toEqual({ mounts: [uploads] });
    expect(await mount("size", "shop", "upload")).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("There are: .scratch, uploads.") as string,
    });
  });
});

describe("upload", () => {
  test("sends a folder's content with its links and without its name", async () => {
    await write("up/note.txt", "from outside");
    await write("up/deep/@more.txt", "more");
    await symlink("note.txt", join(root, "up/link"));
    const { code, stdout } = await mount("upload", "shop", "/app/uploads//in", "up");
    expect([code, stdout]).toEqual([0, "2 files, 16 B, are in uploads/in\n"]);
    const [, call] = daemon.calls;
    expect(call?.query).toEqual({ path: "uploads" });
    const entries = await readTar(call?.body);
    expect(entries).toMatchObject({ "in/note.txt": "from outside", "in/deep/@more.txt": "more" });
    expect(Object.keys(entries)).toContain("in/link");
  });

  test("sends a file under its own name", async () => {
    await write("up/@note.txt", "x".repeat(100_000));
    expect((await mount("upload", "shop", "uploads", "up/@note.txt", "--json")).stdout).toBe(
      '{"path":"uploads","files":1,"bytes":100000,"skipped":[]}\n',
    );
    expect(await readTar(daemon.calls[0]?.body)).toEqual({ "./@note.txt": "x".repeat(100_000) });
  });

  test("the daemon's refusal decides the exit code", async () => {
    await write("note.txt", "");
    const error = { code: "ERR_NOT_FOUND", message: "shop has no mount nothing; it has uploads" };
    daemon.answers.uploadMount = { status: 404, body: { error } };
    expect(await mount("upload", "shop", "nothing", "note.txt")).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("it has uploads") as string,
    });
  });

  test.runIf(process.getuid?.() !== 0)("what may not be read is named", async () => {
    await write("up/closed.txt", "");
    await chmod(join(root, "up/closed.txt"), 0);
    const { code, stderr } = await mount("upload", "shop", "uploads", "up");
    expect([code, stderr]).toEqual([2, expect.stringContaining("closed.txt cannot be read")]);
  });
});

describe("download", () => {
  const file = (path: string, text: string, more: Partial<HeaderData> = {}): Buffer => {
    const body = Buffer.from(text);
    const block = Buffer.alloc(512);
    new Header({ path, mode: 0o644, size: body.length, type: "File", mtime: new Date(0), ...more }).encode(
      block,
    );
    return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
  };
  const archive = (...entries: Buffer[]): Buffer => Buffer.concat([...entries, Buffer.alloc(1024)]);
  const text = (path: string): Promise<string> => readFile(join(root, path), "utf8");

  test("writes a mount's content into a folder of its name, or another", async () => {
    daemon.answers.downloadMount = { bytes: archive(file("./in/note.txt", "hello")) };
    expect((await mount("download", "shop", "uploads")).stdout).toBe(
      `1 file, 5 B, are in ${join(root, "uploads")}\n`,
    );
    expect(await text("uploads/in/note.txt")).toBe("hello");
    await mount("download", "shop", "uploads", "else/where");
    expect(await text("else/where/in/note.txt")).toBe("hello");
    expect(daemon.calls[0]?.query).toEqual({ path: "uploads" });
  });

  test("a folder in a mount comes without what is beside it", async () => {
    daemon.answers.downloadMount = {
      bytes: archive(
        file("./", "", { type: "Directory", mode: 0o755 }),
        file("./in/", "", { type: "Directory", mode: 0o755 }),
        file("./in/note.txt", "hello"),
        file("./in/again.txt", "", { type: "Link", linkpath: "./in/note.txt" }),
        file("./inner.txt", "beside"),
      ),
    };
    expect((await mount("download", "shop", "uploads/in", "down")).code).toBe(0);
    expect((await readdir(join(root, "down"))).sort()).toEqual(["again.txt", "note.txt"]);
    expect(await text("down/again.txt")).toBe("hello");
    expect(daemon.calls[1]?.query).toEqual({ path: "uploads" });
    expect(await mount("download", "shop", "uploads/none", "else")).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(
        /^failed: download .*\nerror: there is no none in the mount uploads\n/,
      ) as string,
    });
    expect(await readdir(root)).toEqual(["down"]);
  });

  test("gives back what upload sent", async () => {
    await write("up/deep/note.txt", "hello");
    await symlink("deep", join(root, "up/link"));
    daemon.answers.downloadMount = { bytes: await buffer(create({ cwd: join(root, "up") }, ["."])) };
    expect((await mount("download", "shop", "uploads", "down")).code).toBe(0);
    expect(await text("down/link/note.txt")).toBe("hello");
  });

  test("asks before it writes into a folder that has something in it", async () => {
    await write("down/note.txt", "mine");
    await write("down/other.txt", "stays");
    daemon.answers.downloadMount = { bytes: archive(file("note.txt", "theirs")) };
    const refused = await mount("download", "shop", "uploads", "down");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("--yes")]);
    expect(await text("down/note.txt")).toBe("mine");
    expect((await mount("download", "shop", "uploads", "down", "--yes")).code).toBe(0);
    expect([await text("down/note.txt"), await text("down/other.txt")]).toEqual(["theirs", "stays"]);
  });

  test("a mount that does not exist is said first", async () => {
    await write("down/note.txt", "mine");
    const error = { code: "ERR_NOT_FOUND", message: "no mount nothing; there is uploads" };
    daemon.answers.downloadMount = { status: 404, body: { error } };
    const { code, stdout } = await mount("download", "shop", "nothing", "down", "--json");
    expect([code, stdout]).toEqual([5, expect.stringContaining("there is uploads")]);
  });

  test("nothing leaves the folder, whatever the app has written", async () => {
    await write("outside.txt", "mine");
    daemon.answers.downloadMount = {
      bytes: archive(
        file("../outside.txt", "theirs"),
        file("/absolute.txt", "inside"),
        file("out", "", { type: "SymbolicLink", linkpath: ".." }),
        file("out/outside.txt", "theirs"),
        file("hard", "", { type: "Link", linkpath: "../outside.txt" }),
        file("device", "", { type: "CharacterDevice" }),
        file("powerful", "", { mode: 0o6755, uid: 12_345 }),
        file("closed", "", { mode: 0 }),
      ),
    };
    const { code, stderr } = await mount("download", "shop", "uploads", "down");
    expect([code, stderr]).toEqual([0, expect.stringContaining("left out:")]);
    expect(await text("outside.txt")).toBe("mine");
    expect(await text("down/absolute.txt")).toBe("inside");
    const names = await readdir(join(root, "down"));
    expect(names).not.toContain("device");
    expect(names).not.toContain("hard");
    if (names.includes("out"))
      expect(await readlink(join(root, "down/out")).catch(() => "a folder")).not.toBe("..");
    const { mode, uid } = await stat(join(root, "down/powerful"));
    expect([mode & 0o7777, uid]).toEqual([0o755, process.getuid?.()]);
    expect((await stat(join(root, "down/closed"))).mode & 0o600).toBe(0o600);
  });

  test("links that lead out of the folder are named", async () => {
    daemon.answers.downloadMount = {
      bytes: archive(
        file("./out", "", { type: "SymbolicLink", linkpath: "/etc/passwd" }),
        file("./in/up", "", { type: "SymbolicLink", linkpath: "../../.." }),
        file("./fine", "", { type: "SymbolicLink", linkpath: "in" }),
      ),
    };
    const { code, stdout } = await mount("download", "shop", "uploads", "down", "--json");
    expect([code, (JSON.parse(stdout) as { skipped: string[] }).skipped]).toEqual([
      0,
      ["out: a link to /etc/passwd, out of the folder", "in/up: a link to ../../.., out of the folder"],
    ]);
    expect(await readlink(join(root, "down/fine"))).toBe("in");
  });

  test("what cannot be written is an error", async () => {
    await write("down/note.txt/in-the-way", "");
    daemon.answers.downloadMount = { bytes: archive(file("note.txt", "x"), file("other.txt", "y")) };
    const { code, stderr } = await mount("download", "shop", "uploads", "down", "--yes");
    expect([code, stderr]).toEqual([2, expect.stringContaining("cannot take it all")]);
    expect(await text("down/other.txt")).toBe("y");
  });

  test("an answer that breaks off is an error", async () => {
    const whole = archive(file("note.txt", "x".repeat(5000)));
    daemon.answers.downloadMount = { bytes: whole.subarray(0, 2048) };
    expect(await mount("download", "shop", "uploads", "down")).toMatchObject({
      code: 10,
      stderr: expect.stringContaining("not whole") as string,
    });
    daemon.duplex.downloadMount = (_request, response) => {
      response.writeHead(200, { "content-length": "99999" });
      response.write(whole.subarray(0, 2048), () => response.destroy());
    };
    expect((await mount("download", "shop", "uploads", "down", "--yes")).code).toBe(9);
  });
});

test.each([
  [["upload", "shop", "uploads", "missing"], "missing does not exist"],
  [["upload", "shop", "uploads", "/dev/null"], "neither a file nor a folder"],
  [["upload", "shop", "uploads"], "missing required argument 'local'"],
  [["upload", "shop", "../up", "/etc/hostname"], "is not a path in a mount"],
  [["download", "shop", "/"], "such as uploads"],
  [["download", "shop", "uploads", "/etc/passwd"], "/etc/passwd is not a folder"],
  [["size", "shop", ".."], "is not a path in a mount"],
])("%j is refused with exit code 2", async (argv, words) => {
  const { code, stderr } = await mount(...argv);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  expect(daemon.count("uploadMount") + daemon.count("downloadMount")).toBe(0);
});
