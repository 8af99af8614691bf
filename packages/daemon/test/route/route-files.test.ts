import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assertPortFree, findPortHolder, parseListeners } from "../../src/route/find-port-holder.js";
import { rotateFiles } from "../../src/route/rotate-logs.js";
import { clearUnix, switchUnix } from "../../src/route/switch-unix.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "bloom-route-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("findPortHolder", () => {
  test("names the process that listens, and assertPortFree says it with the flag to change", async () => {
    const child = spawn(
      process.execPath,
      [
        "-e",
        'const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))',
        "holder-of-port",
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      const port = Number(String(((await once(child.stdout, "data")) as [Buffer])[0]));
      expect(await findPortHolder(port)).toMatch(
        new RegExp(`^${process.execPath} .*\\(pid ${child.pid}\\)$`),
      );
      await expect(assertPortFree({ address: "127.0.0.1", port }, "with --http-port")).rejects.toMatchObject({
        code: "ERR_PORT_TAKEN",
        message: expect.stringContaining(`pid ${child.pid}`),
        hint: expect.stringContaining("--http-port"),
      });
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  test("a free port has no holder and may be bound again afterwards", async () => {
    const port = await findFree();
    expect(await findPortHolder(port)).toBeUndefined();
    await assertPortFree({ address: "127.0.0.1", port }, "with --http-port");
    await assertPortFree({ address: "127.0.0.1", port }, "with --http-port");
  });

  test("only listening sockets on that very port count", () => {
    const row = (local: string, state: string, inode: number): string =>
      `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0`;
    const text = [
      "  sl  local_address …",
      row("0100007F:1248", "0A", 1),
      row("0100007F:1248", "01", 2),
      row("0100007F:0248", "0A", 3),
    ];
    expect(parseListeners(text.join("\n"), 0x1248)).toEqual(["1"]);
  });
});

describe("rotateFiles", () => {
  test("keeps as many files as told, the newest first", async () => {
    const file = join(dir, "access.log");
    for (const name of ["one", "two", "three", "four"]) {
      await writeFile(file, `${name} ${"x".repeat(100)}`);
      expect(await rotateFiles([file, join(dir, "missing.log")], { maxBytes: 50, files: 3 })).toBe(true);
    }
    expect((await readdir(dir)).toSorted()).toEqual(["access.log.1", "access.log.2"]);
    expect(await readFile(`${file}.1`, "utf8")).toMatch(/^four/);
    expect(await readFile(`${file}.2`, "utf8")).toMatch(/^three/);
  });

  test("leaves small files alone", async () => {
    const file = join(dir, "access.log");
    await writeFile(file, "small");
    expect(await rotateFiles([file], { maxBytes: 50, files: 3 })).toBe(false);
    expect(await readdir(dir)).toEqual(["access.log"]);
  });
});

describe("switchUnix", () => {
  test("leads new connections to the new socket, keeps the instance's own name, and may be repeated", async () => {
    const stable = join(dir, "web.sock");
    const servers = [await listen(join(dir, "a.sock"), "a"), await listen(join(dir, "b.sock"), "b")];
    try {
      await switchUnix(stable, join(dir, "a.sock"));
      expect(await readAll(stable)).toBe("a");
      await switchUnix(stable, join(dir, "b.sock"));
      await switchUnix(stable, join(dir, "b.sock"));
      expect(await readAll(stable)).toBe("b");
      expect(await readAll(join(dir, "a.sock"))).toBe("a");
      expect((await readdir(dir)).toSorted()).toEqual(["a.sock", "b.sock", "web.sock"]);
    } finally {
      for (const server of servers) server.close();
    }
  });

  test("a socket that is not there changes nothing", async () => {
    const stable = join(dir, "web.sock");
    const server = await listen(join(dir, "a.sock"), "a");
    try {
      await switchUnix(stable, join(dir, "a.sock"));
      await expect(switchUnix(stable, join(dir, "gone.sock"))).rejects.toMatchObject({ code: "ENOENT" });
      expect(await readAll(stable)).toBe("a");
    } finally {
      server.close();
    }
  });

  test("clearing is for good and may be repeated", async () => {
    const stable = join(dir, "web.sock");
    const server = await listen(join(dir, "a.sock"), "a");
    try {
      await switchUnix(stable, join(dir, "a.sock"));
      await clearUnix(stable);
      await clearUnix(stable);
      await expect(stat(stable)).rejects.toMatchObject({ code: "ENOENT" });
      expect(await readAll(join(dir, "a.sock"))).toBe("a");
    } finally {
      server.close();
    }
  });
});

async function listen(path: string, answer: string): Promise<Server> {
  const server = createServer((socket) => socket.end(answer)).listen(path);
  await once(server, "listening");
  return server;
}

async function readAll(path: string): Promise<string> {
  const socket = connect(path);
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

async function findFree(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
