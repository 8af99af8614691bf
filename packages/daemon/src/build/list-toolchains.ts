import { access, constants, readFile, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { parse } from "smol-toml";
import type { Toolchain } from "./plan-toolchain.js";

/** Where toolchains are looked for. */
export interface ToolchainPlaces {
  /** rustup's home; null when it cannot be known. */
  readonly rustupHome: string | null;
  /** Folders of a cargo that the system's packages installed. */
  readonly systemFolders: readonly string[];
}

export function planToolchainPlaces(env: NodeJS.ProcessEnv): ToolchainPlaces {
  const home = env["HOME"];
  const rustupHome = env["RUSTUP_HOME"] ?? (home === undefined || home === "" ? null : join(home, ".rustup"));
  return { rustupHome, systemFolders: ["/usr/local/bin", "/usr/bin"] };
}

/** Asking rustc takes 20 ms: each is asked once, and again when its file changes. */
const versions = new Map<string, string>();

/** All toolchains that have both cargo and rustc; broken ones are left out. */
export async function listToolchains(places: ToolchainPlaces): Promise<Toolchain[]> {
  const found: Toolchain[] = [];
  const root = places.rustupHome;
  if (root !== null) {
    const preferred = await readDefault(join(root, "settings.toml"));
    const names: string[] = await readdir(join(root, "toolchains")).catch(() => []);
    for (const name of names.sort()) {
      // Links to links of toolchains exist; the sandbox needs the real folder.
      const dir = await realpath(join(root, "toolchains", name)).catch(() => null);
      const version = dir === null ? null : await findVersion(join(dir, "bin"));
      if (version !== null) found.push({ name, version, dir, isDefault: name === preferred });
    }
  }
  for (const folder of places.systemFolders) {
    if (found.some((one) => one.dir === null) || (await isRustupProxy(folder))) continue;
    const version = await findVersion(folder);
    if (version !== null) found.push({ name: "system", version, dir: null, isDefault: false });
  }
  return found;
}

async function findVersion(bin: string): Promise<string | null> {
  const rustc = join(bin, "rustc");
  try {
    await access(join(bin, "cargo"), constants.X_OK);
    const file = await stat(await realpath(rustc), { bigint: true });
    const key = `${rustc} ${file.ino} ${file.size} ${file.mtimeNs}`;
    const known = versions.get(key);
    if (known !== undefined) return known;
    const { stdout } = await execa(rustc, ["-V"], { timeout: 10_000, stdin: "ignore" });
    const version = /^rustc (\d+\.\d+\.\d+(?:-[a-z0-9.]+)?)/.exec(stdout)?.[1] ?? null;
    if (version !== null) versions.set(key, version);
    return version;
  } catch {
    return null;
  }
}

/** rustup's stand-ins work only with rustup's home, which no sandbox sees. */
async function isRustupProxy(folder: string): Promise<boolean> {
  const target = await realpath(join(folder, "rustc")).catch(() => "");
  return target.endsWith("/rustup") || target.endsWith("/rustup-init");
}

async function readDefault(file: string): Promise<string | null> {
  try {
    const settings = parse(await readFile(file, "utf8"));
    return typeof settings["default_toolchain"] === "string" ? settings["default_toolchain"] : null;
  } catch {
    return null;
  }
}
