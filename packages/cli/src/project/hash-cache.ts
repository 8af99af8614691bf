import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

interface Stat {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
}

/** Remembers content hashes by file identity, so that an unchanged project is not read again. */
export interface HashCache {
  hash(path: string, stat: Stat, compute: () => Promise<string>): Promise<string>;
  save(): Promise<void>;
}

/** A file changed this recently may change again within the same tick of the clock: it is never remembered. */
const youngMs = 2000;

export async function openHashCache(root: string, env: NodeJS.ProcessEnv): Promise<HashCache> {
  const cache = env["XDG_CACHE_HOME"];
  const base = cache === undefined || cache === "" ? join(homedir(), ".cache") : cache;
  const name = createHash("sha256").update(root).digest("hex").slice(0, 16);
  const file = join(base, "bloomery", "hashes", `${name}.json`);
  const known = await readKnown(file);
  const next: Record<string, string> = {};
  return {
    async hash(path, stat, compute) {
      const key = `${path}\u0000${stat.size}\u0000${stat.mtimeMs}\u0000${stat.ctimeMs}\u0000${stat.ino}`;
      const sha256 = known[key] ?? (await compute());
      if (Date.now() - Math.max(stat.mtimeMs, stat.ctimeMs) > youngMs) next[key] = sha256;
      return sha256;
    },
    async save() {
      try {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(`${file}.${process.pid}`, JSON.stringify(next));
        await rename(`${file}.${process.pid}`, file);
      } catch {
        // A cache that cannot be written costs time, nothing else.
      }
    },
  };
}

async function readKnown(file: string): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Record<string, string>;
  } catch {
    return {};
  }
}
