import { chmod, mkdir, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { removeTree } from "../remove-tree.js";
import type { Template } from "./choose-template.js";
import { freezeTarget } from "./freeze-target.js";
import { planTemplateFolders } from "./plan-template-folders.js";
import type { TemplatePlan } from "./plan-template.js";

const recordSchema = z.object({
  key: z.string().regex(/^[0-9a-f]{64}$/),
  flavor: z.object({
    toolchain: z.string(),
    profile: z.string(),
    target: z.string().nullable(),
    variables: z.array(z.tuple([z.string(), z.string()])),
  }),
  packages: z.array(z.string()),
  bytes: z.number(),
});

export interface StoredTemplate extends Template {
  /** Of its files. */
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly usedAt: number;
}

export interface TemplateStore {
  readonly folders: ReturnType<typeof planTemplateFolders>;
  list(): Promise<readonly StoredTemplate[]>;
  /** Makes a template of what the job has compiled; false when there is nothing to keep. */
  keep(plan: TemplatePlan): Promise<boolean>;
  /** Remembers that it is in use. */
  touch(key: string): Promise<void>;
  remove(key: string): Promise<void>;
}

const newPrefix = ".new-";

/** The templates below a build cache. Only the daemon's user can walk to them. */
export function openTemplateStore(buildCache: string): TemplateStore {
  const folders = planTemplateFolders(buildCache);

  const load = async (key: string): Promise<StoredTemplate | null> => {
    const { record } = folders.of(key);
    try {
      const found = recordSchema.parse(JSON.parse(await readFile(record, "utf8")));
      return found.key === key ? { ...found, usedAt: (await stat(record)).mtimeMs } : null;
    } catch {
      return null;
    }
  };

  return {
    folders,

    async list() {
      const names = await readdir(folders.root).catch(() => []);
      const found = await Promise.all(names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map(load));
      return found.filter((one) => one !== null);
    },

    async keep(plan) {
      await mkdir(folders.root, { recursive: true, mode: 0o700 });
      await chmod(folders.root, 0o700);
      const temp = join(folders.root, `${newPrefix}${plan.key}`);
      const place = folders.of(plan.key);
      await removeTree(temp);
      await mkdir(temp, { mode: 0o700 });
      try {
        const crates = new Set(plan.packages.map((one) => one.split(" ")[0] ?? ""));
        const taken = await freezeTarget(join(folders.job.app, "target"), join(temp, "target"), crates);
        if (taken === 0) return false;
        const { key, flavor, packages } = plan;
        const bytes = await measure(join(temp, "target"));
        const record = JSON.stringify({ key, flavor, packages, bytes });
        await writeFile(join(temp, "template.json"), record, { mode: 0o600 });
        await removeTree(place.root);
        await rename(temp, place.root);
        return true;
      } finally {
        await removeTree(temp);
      }
    },

    async touch(key) {
      const now = new Date();
      await utimes(folders.of(key).record, now, now).catch(() => undefined);
    },

    async remove(key) {
      // Renamed first: nobody chooses a template that is half gone.
      const temp = join(folders.root, `${newPrefix}${key}-gone`);
      await rename(folders.of(key).root, temp).catch(() => undefined);
      await removeTree(temp);
    },
  };
}

async function measure(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await measure(path);
    else if (entry.isFile()) bytes += (await stat(path)).size;
  }
  return bytes;
}
