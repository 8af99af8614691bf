import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "./fake-daemon.js";

let home: string;
let root: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "bloom-init-"));
  root = join(home, "My Shop");
  await mkdir(root);
});
afterEach(() => rm(home, { recursive: true }));

const init = (...flags: string[]): ReturnType<typeof run> => run(["init", ...flags], {}, root);
const read = (path: string): Promise<string> => readFile(join(root, path), "utf8");
async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

describe("in an empty folder", () => {
  test("a program, its crate and a manifest that is valid; it says what it wrote and what is next", async () => {
    const { code, stdout } = await init();
    const written = ["Cargo.toml", "src/main.rs", ".gitignore", ".platform.app.yaml"];
    expect([code, stdout.trim().split("\n")]).toEqual([
      0,
      [...written.map((path) => `wrote ${path}`), "next: bloom deploy"],
    ]);
    expect(await read("Cargo.toml")).toContain('name = "my-shop"');
    const checked = await run(["validate", root, "--json"]);
    expect([checked.code, JSON.parse(checked.stdout)]).toMatchObject([
      0,
      { problems: [], config: { name: "my-shop", web: { start: "./target/release/my-shop" } } },
    ]);
  });

  test("a second time nothing is written", async () => {
    await init();
    await write("src/main.rs", "mine");
    const { code, stderr } = await init();
    expect([code, stderr]).toEqual([6, expect.stringContaining(".platform.app.yaml exists")]);
    expect(await read("src/main.rs")).toBe("mine");
  });

  test("what is there already stays as it is", async () => {
    await write("README.md", "mine");
    await write(".gitignore", "mine");
    const { stdout } = await init("--json");
    expect(JSON.parse(stdout)).toEqual({
      shape: "web",
      written: ["Cargo.toml", "src/main.rs", ".platform.app.yaml"],
      next: "bloom deploy",
    });
    expect(await read(".gitignore")).toBe("mine");
  });
});

describe("in a crate", () => {
  test("only the manifest, with the crate's name and program", async () => {
    await write("Cargo.toml", '[package]\nname = "till"\nversion = "0.1.0"\nedition = "2021"\n');
    await write("src/main.rs", "fn main() {}\n");
    expect((await init()).stdout).toBe("wrote .platform.app.yaml\nnext: bloom deploy\n");
    expect(await read(".platform.app.yaml")).toMatch(/^name: till$[^]*start: \.\/target\/release\/till$/m);
    const checked = await run(["validate", root]);
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringMatching(/^valid: till/)]);
  });

  test("that has no program says so", async () => {
    await write("Cargo.toml", '[package]\nname = "till"\nversion = "0.1.0"\n');
    await write("src/lib.rs", "");
    const { code, stderr } = await init();
    expect([code, stderr]).toEqual([2, expect.stringContaining("Cargo.toml")]);
    expect(await readdir(root)).not.toContain(".platform.app.yaml");
  });
});

describe("for a function", () => {
  test("a handler, its crate and what can be said about it, which is valid", async () => {
    const { code, stdout } = await init("--shape", "function", "--json");
    const written = ["Cargo.toml", "src/lib.rs", ".gitignore", "bloom.toml"];
    expect([code, JSON.parse(stdout)]).toEqual([0, { shape: "function", written, next: "bloom deploy" }]);
    expect(await read("src/lib.rs")).toContain("#[ignite::main]");
    const checked = await run(["validate", root, "--json"]);
    expect([checked.code, JSON.parse(checked.stdout)]).toMatchObject([
      0,
      {
        problems: [],
        config: { name: "my-shop", shape: "function", network: "none", function: { mcp: false } },
      },
    ]);
  });

  test("the lines that are switched off are right, too", async () => {
    await init("--shape", "function");
    await write("bloom.toml", (await read("bloom.toml")).replaceAll(/^# (?=[a-z_]+ = )/gm, ""));
    const checked = await run(["validate", root, "--json"]);
    expect([checked.code, JSON.parse(checked.stdout)]).toMatchObject([
      0,
      { problems: [], config: { network: "outbound", function: { mcp: true, concurrency: 64 } } },
    ]);
  });

  test("in a crate only the manifest, under the crate's own name", async () => {
    await write("Cargo.toml", '[package]\nname = "till"\nversion = "0.1.0"\n');
    await write("src/lib.rs", "");
    expect((await init("--shape", "function")).stdout).toBe("wrote bloom.toml\nnext: bloom deploy\n");
    const checked = await run(["validate", root]);
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringMatching(/^valid: till, function app/)]);
  });
});

describe("a library", () => {
  const validate = async (): Promise<unknown> => {
    const { code, stdout } = await run(["validate", root, "--json"], { BLOOM_PREFORK: "/nonexistent" });
    return [code, JSON.parse(stdout)];
  };

  test("has its crate and an ini that is valid", async () => {
    const { code, stdout } = await init("--shape", "prefork");
    const written = ["Cargo.toml", "src/lib.rs", ".gitignore", "app.ini"];
    expect([code, stdout.trim().split("\n")]).toEqual([
      0,
      [...written.map((path) => `wrote ${path}`), "next: bloom deploy"],
    ]);
    expect(await read("app.ini")).toContain("\ndlopen = ./target/release/libmy_shop.so\n");
    expect(await validate()).toMatchObject([
      0,
      {
        config: { name: "my-shop", shape: "prefork", prefork: { ini: "app.ini", source: { kind: "cargo" } } },
      },
    ]);
  });

  test("that is a crate of another kind is told what it lacks", async () => {
    await write("Cargo.toml", '[package]\nname = "till"\n');
    const { stdout, stderr } = await init("--shape", "prefork");
    expect(stdout).toBe("wrote app.ini\nnext: bloom deploy\n");
    expect(stderr).toContain('Cargo.toml has to say `crate-type = ["cdylib"]` below [lib]');
  });

  test("that is a crate already gets the ini alone, with its own name", async () => {
    await write("Cargo.toml", '[package]\nname = "till-2"\n[lib]\nname = "till"\ncrate-type = ["cdylib"]\n');
    expect(await init("--shape", "prefork")).toMatchObject({
      stdout: "wrote app.ini\nnext: bloom deploy\n",
      stderr: "",
    });
    expect(await read("app.ini")).toContain("/libtill.so\n");
    expect(await validate()).toMatchObject([0, { config: { name: "till-2" } }]);
    const again = await init("--shape", "prefork");
    expect([again.code, again.stderr]).toEqual([6, expect.stringContaining("app.ini exists")]);
  });
});

test.each(["bloom.toml", ".platform/routes.yaml", "src/main.rs"])("%s is in its way", async (path) => {
  await write(path, "");
  const { code, stderr } = await init();
  expect([code, stderr]).toEqual([6, expect.stringContaining("nothing was written")]);
  expect(await readdir(root)).toHaveLength(1);
});

describe("a program that speaks raw TCP", () => {
  const validate = async (): Promise<unknown> => {
    const { code, stdout } = await run(["validate", root, "--json"]);
    return [code, JSON.parse(stdout)];
  };

  test("has its crate and a manifest that is valid", async () => {
    const { code, stdout } = await init("--shape", "tcp");
    const written = ["Cargo.toml", "src/main.rs", ".gitignore", "bloom.toml"];
    expect([code, stdout.trim().split("\n")]).toEqual([
      0,
      [...written.map((path) => `wrote ${path}`), "next: bloom deploy"],
    ]);
    expect(await validate()).toMatchObject([
      0,
      {
        problems: [],
        config: { name: "my-shop", shape: "tcp", tcp: { ports: [{ port: 7878, targetPort: 7878 }] } },
      },
    ]);
    // The program says the same without the manifest.
    await rm(join(root, "bloom.toml"));
    expect(await validate()).toMatchObject([
      0,
      { config: { shape: "tcp", detected: "src/main.rs listens on 0.0.0.0:7878 and speaks no HTTP" } },
    ]);
  });

  test("the lines that are switched off are right, too", async () => {
    await init("--shape", "tcp");
    await write("bloom.toml", (await read("bloom.toml")).replaceAll(/^# (?=[a-z_]+ = )/gm, ""));
    expect(await validate()).toMatchObject([
      0,
      {
        problems: [],
        config: {
          tcp: { ports: [{ allow: ["10.0.0.0/8"], goodbye: expect.stringMatching(/again\r\n$/) as string }] },
        },
      },
    ]);
  });

  test("in a crate only the manifest, under the crate's own name and with the ports it has", async () => {
    await write("Cargo.toml", '[package]\nname = "till"\nversion = "0.1.0"\n');
    await write("src/main.rs", "fn main() {}\n");
    expect((await init("--shape", "tcp")).stdout).toBe("wrote bloom.toml\nnext: bloom deploy\n");
    expect(await validate()).toMatchObject([
      0,
      { config: { name: "till", shape: "tcp", tcp: { ports: [] } } },
    ]);
  });
});

test("a shape there is none of is refused with exit code 2", async () => {
  const { code, stderr } = await init("--shape", "wbe");
  expect([code, stderr]).toEqual([2, expect.stringContaining("Did you mean `web`?")]);
  expect(await readdir(root)).toEqual([]);
});
