import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BloomError, suggestAppName } from "@bloomery/contract";
import type { Command, Context } from "../command.js";
import { planHandler, renderFunctionManifest } from "../project/function-start.js";
import { planLibrary, renderIni } from "../project/prefork-start.js";
import { planProgram, renderManifest, type NewFile } from "../project/starting-point.js";
import { planServer, renderTcpManifest } from "../project/tcp-start.js";
import { parseChoice } from "./parse-flag.js";
import { checkProject } from "./project.js";

const shapes = ["web", "function", "prefork", "tcp"] as const;
type Shape = (typeof shapes)[number];
const manifest = ".platform.app.yaml";

export const initCommand: Command = {
  name: "init",
  group: "Deploy",
  summary: "Write a starting point into the current folder",
  about:
    "In a crate: the manifest. Elsewhere: a small program, a handler or a library, its Cargo.toml and the manifest. Nothing\nthat exists is ever overwritten.",
  flags: [{ flag: "--shape <shape>", about: "web, function, prefork or tcp", fallback: "web" }],
  examples: [
    "bloom init",
    "bloom init --shape function",
    "bloom init --shape prefork",
    "bloom init --shape tcp",
    "mkdir shop && cd shop && bloom init && bloom deploy",
  ],
  async run(context) {
    const { cwd, flags, output } = context;
    const shape = parseChoice(flags, "shape", shapes) ?? "web";
    const files = await planFiles(context, shape);
    await writeAll(cwd, files);
    const written = files.map(({ path }) => path);
    output.result({ shape, written, next: "bloom deploy" }, [
      ...written.map((path) => `wrote ${path}`),
      "next: bloom deploy",
    ]);
  },
};

/** What is written, given what is there. Throws ERR_ALREADY_EXISTS, and ERR_MANIFEST_INVALID for a broken crate. */
async function planFiles({ cwd, output }: Context, shape: Shape): Promise<NewFile[]> {
  const names = new Set(await readdir(cwd));
  for (const name of [manifest, "bloom.toml", ".platform"]) {
    if (names.has(name)) throw exists(name);
  }
  if (names.has("app.ini") && shape === "prefork") throw exists("app.ini");
  if (names.has("Cargo.toml") && shape === "prefork") {
    const { name, isShared } = await findLibrary(cwd);
    if (!isShared) {
      output.say(
        'Cargo.toml has to say `crate-type = ["cdylib"]` below [lib]: only then is there a library to serve.',
      );
    }
    return [{ path: "app.ini", text: renderIni(name) }];
  }
  if (names.has("Cargo.toml") && shape === "function") {
    return [{ path: "bloom.toml", text: renderFunctionManifest(null) }];
  }
  if (names.has("Cargo.toml") && shape === "tcp") {
    return [{ path: "bloom.toml", text: renderTcpManifest(null, null) }];
  }
  if (names.has("Cargo.toml")) {
    const project = { root: cwd, folder: "", folderName: basename(cwd) };
    const { config } = await checkProject({ output }, project);
    return [{ path: manifest, text: renderManifest(config.name, config.web.start) }];
  }
  if (names.has("src")) throw exists("src", "It has no Cargo.toml: `cargo init` makes one, then try again.");
  const name = suggestAppName(basename(cwd));
  // Somebody's own list of what to leave out is as good.
  return planNew(shape, name).filter(({ path }) => !names.has(path));
}

function planNew(shape: Shape, name: string): NewFile[] {
  switch (shape) {
    case "function":
      return [...planHandler(name), { path: "bloom.toml", text: renderFunctionManifest(name) }];
    case "prefork":
      return planLibrary(name);
    case "tcp":
      return planServer(name);
    case "web":
      return [
        ...planProgram(name),
        { path: manifest, text: renderManifest(name, `./target/release/${name}`) },
      ];
  }
}

/** The name of a crate's library, and whether it is one that can be loaded. Throws ERR_MANIFEST_INVALID for a crate that cannot be read. */
async function findLibrary(folder: string): Promise<{ readonly name: string; readonly isShared: boolean }> {
  const { parse } = await import("smol-toml");
  const text = await readFile(join(folder, "Cargo.toml"), "utf8");
  try {
    const { lib, package: own } = parse(text) as {
      lib?: { name?: unknown; "crate-type"?: unknown };
      package?: { name?: unknown };
    };
    const name = lib?.name ?? own?.name;
    const types = lib?.["crate-type"];
    const isLoadable = Array.isArray(types) && types.some((type) => type === "cdylib" || type === "dylib");
    // The library of a workspace is some member's.
    const isShared = isLoadable || own === undefined;
    const given = typeof name === "string" ? name : suggestAppName(basename(folder));
    return { name: given.replaceAll("-", "_"), isShared };
  } catch (cause) {
    throw new BloomError("ERR_MANIFEST_INVALID", "Cargo.toml cannot be read", { cause });
  }
}

function exists(
  name: string,
  hint = "The folder is a project already: `bloom validate` checks it, `bloom deploy` deploys it.",
): BloomError {
  return new BloomError("ERR_ALREADY_EXISTS", `${name} exists; nothing was written`, { hint });
}

async function writeAll(folder: string, files: readonly NewFile[]): Promise<void> {
  for (const { path, text } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text, { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw exists(path);
      throw new BloomError("ERR_INVALID_ARGUMENT", `${path} cannot be written: ${error.message}`);
    });
  }
}
