import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore } from "../../src/store/index.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "bloom-open-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

it("keeps the database readable to its owner only", async () => {
  const file = join(dir, "bloom.db");
  await writeFile(file, "");
  await chmod(file, 0o644);
  const store = await openStore({ url: `sqlite:${file}` });
  await store.orgs.create("local");
  const modes = await Promise.all(
    ["", "-wal", "-shm"].map(async (end) => (await stat(file + end)).mode & 0o777),
  );
  await store.close();
  expect(modes).toEqual([0o600, 0o600, 0o600]);
});

it("works in memory", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  expect(store.kind).toBe("sqlite");
  expect(Object.isFrozen(store)).toBe(true);
  expect(await store.orgs.ensure("local")).toMatchObject({ name: "local" });
  await store.close();
});

it.each(["", "bloom.db", "sqlite:", "mysql://localhost/bloom"])("refuses the URL `%s`", async (url) => {
  await expect(openStore({ url })).rejects.toMatchObject({ code: "ERR_STORE_OPEN" });
});

it("names the file that it cannot open", async () => {
  await mkdir(join(dir, "folder"));
  for (const path of [join(dir, "folder"), join(dir, "none", "bloom.db")]) {
    await expect(openStore({ url: `sqlite:${path}` })).rejects.toMatchObject({
      code: "ERR_STORE_OPEN",
      message: expect.stringContaining(path) as unknown,
    });
  }
});

it("does not touch a file that is no database", async () => {
  const file = join(dir, "notes.txt");
  await writeFile(file, "not a database, but longer than the header of one would be, ".repeat(20));
  const before = (await stat(file)).size;
  await expect(openStore({ url: `sqlite:${file}` })).rejects.toMatchObject({ code: "ERR_STORE_DAMAGED" });
  expect((await stat(file)).size).toBe(before);
});

describe("a damaged database", () => {
  let file: string;
  beforeEach(async () => {
    file = join(dir, "bloom.db");
    const store = await openStore({ url: `sqlite:${file}` });
    for (let index = 0; index < 200; index++) await store.orgs.create(`org-${index}`);
    await store.close();
  });

  const refusal = (): Promise<unknown> =>
    openStore({ url: `sqlite:${file}` }).catch((error: unknown) => error);

  it("is refused when its end is missing", async () => {
    const { size } = await stat(file);
    await truncate(file, Math.floor(size / 2));
    expect(await refusal()).toMatchObject({
      code: "ERR_STORE_DAMAGED",
      message: expect.stringContaining(file) as unknown,
      hint: expect.stringContaining("backup") as unknown,
    });
  });

  it("is refused when pages in the middle were overwritten", async () => {
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0xa5, 4096, bytes.length - 4096));
    expect(await refusal()).toMatchObject({ code: "ERR_STORE_DAMAGED" });
  });

  it("is refused when its head was overwritten", async () => {
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0, 0, 100));
    expect(await refusal()).toMatchObject({ code: "ERR_STORE_DAMAGED" });
  });

  it("opens again when the backup is put in its place", async () => {
    const backup = await readFile(file);
    await truncate(file, 5000);
    await refusal();
    for (const end of ["", "-wal", "-shm"]) await rm(file + end, { force: true });
    await writeFile(file, backup);
    const store = await openStore({ url: `sqlite:${file}` });
    expect(await store.orgs.list()).toHaveLength(200);
    await store.close();
  });
});

it("says that PostgreSQL cannot be reached, without the password", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const failure = await openStore({ url: `postgres://ada:hush@127.0.0.1:${port}/bloom` }).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({
    code: "ERR_STORE_OPEN",
    message: expect.stringContaining(`127.0.0.1:${port}/bloom`) as unknown,
  });
  expect((failure as Error).message).toContain("ECONNREFUSED");
  expect((failure as Error).message).not.toContain("hush");
});

it.each(["WAL", "DELETE"])("waits for another process without blocking the event loop (%s)", async (mode) => {
  const file = join(dir, "bloom.db");
  const script = fileURLToPath(new URL("hold-write-lock.mjs", import.meta.url));
  const holder = spawn(process.execPath, [script, file, mode], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await once(holder.stdout, "data");
    let opened = false;
    const opening = openStore({ url: `sqlite:${file}` }).then((store) => {
      opened = true;
      return store;
    });
    // Other work goes on while the store waits: several turns of the loop pass.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(opened).toBe(false);
    holder.stdin.end();
    const store = await opening;
    await store.orgs.create("local");
    await store.close();
  } finally {
    holder.stdin.destroy();
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, "exit");
  }
});
