import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BloomError, suggestAppName } from "@bloomery/contract";
import type { Command, Context } from "../command.js";
import { planHandler, renderFunctionManifest } from "../project/function-start.js";
import { planProgram, renderManifest, type NewFile } from "../project/starting-point.js";
import { parseChoice } from "./parse-flag.js";
import { checkProject } from "./project.js";

const shapes = ["web", "function", "prefork", "tcp"] as const;
const manifest = ".platform.app.yaml";

export const initCommand: Command = {
  name: "init",
  group: "Deploy",
  summary: "Write a starting point into the current folder",
  about:
    "In a crate: the manifest. Elsewhere: a small web program or a handler, its Cargo.toml and the manifest. Nothing\nthat exists is ever overwritten.",
  flags: [{ flag: "--shape <shape>", about: "web, function, prefork or tcp", fallback: "web" }],
  examples: [
    "bloom init",
    "bloom init --shape function",
    "mkdir shop && cd shop && bloom init && bloom deploy",
  ],
  async run(context) {
    const { cwd, flags, output } = context;
    const shape = parseChoice(flags, "shape", shapes) ?? "web";
    if (shape !== "web" && shape !== "function") {
      throw new BloomError("ERR_SHAPE_UNSUPPORTED", `there is no starting point for the shape ${shape} yet`, {
        hint: "`bloom init --shape web` writes one for a web app, `--shape function` one for a function.",
      });
    }
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
async function planFiles({ cwd, output }: Context, shape: "web" | "function"): Promise<NewFile[]> {
  const names = new Set(await readdir(cwd));
  for (const name of [manifest, "bloom.toml", ".platform"]) {
    if (names.has(name)) throw exists(name);
  }
  if (names.has("Cargo.toml") && shape === "function") {
    return [{ path: "bloom.toml", text: renderFunctionManifest(null) }];
  }
  if (names.has("Cargo.toml")) {
    const project = { root: cwd, folder: "", folderName: basename(cwd) };
    const { config } = await checkProject({ output }, project);
    return [{ path: manifest, text: renderManifest(config.name, config.web.start) }];
  }
  if (names.has("src")) throw exists("src", "It has no Cargo.toml: `cargo init` makes one, then try again.");
  const name = suggestAppName(basename(cwd));
  const files =
    shape === "function"
      ? [...planHandler(name), { path: "bloom.toml", text: renderFunctionManifest(name) }]
      : [...planProgram(name), { path: manifest, text: renderManifest(name, `./target/release/${name}`) }];
  // Somebody's own list of what to leave out is as good.
  return files.filter(({ path }) => !names.has(path));
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
