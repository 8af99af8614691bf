import { createHash } from "node:crypto";
import { link, rename, rm, writeFile } from "node:fs/promises";
import { execa } from "execa";
import { BloomError } from "@bloomery/contract";
import type { NginxPaths } from "./nginx-paths.js";
import { nginxEnvironment, planNginxCommand, planNginxUser, type NginxProgram } from "./plan-nginx-spec.js";
import { generationMark } from "./plan-nginx.js";

/** A configuration with its own name in it. */
export interface StampedConfig {
  readonly generation: string;
  readonly text: string;
}

/** Puts a name made from the text into it: the same text always has the same generation. */
export function stampConfig(text: string): StampedConfig {
  const generation = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return { generation, text: text.replaceAll(generationMark, generation) };
}

/** A configuration that was put in place of another one. */
export interface InstalledConfig {
  /** Puts the one before back; when there was none, it stays. */
  undo(): Promise<void>;
  /** Forgets the one before. */
  keep(): Promise<void>;
}

/** Puts the text in place. The one before keeps a name, not a place in memory: of many apps it is long. */
export async function installConfig(paths: NginxPaths, text: string): Promise<InstalledConfig> {
  const [fresh, before] = [`${paths.config}.new`, `${paths.config}.before`];
  await writeFile(fresh, text, { mode: 0o644 });
  await rm(before, { force: true });
  const hasBefore = await link(paths.config, before).then(
    () => true,
    () => false,
  );
  await rename(fresh, paths.config);
  return {
    undo: async () => (hasBefore ? rename(before, paths.config) : undefined),
    keep: () => rm(before, { force: true }),
  };
}

/** Lets nginx read the text, without a change of anything. Throws ERR_NGINX_CONFIG with nginx's words. */
export async function checkConfig(program: NginxProgram, paths: NginxPaths, text: string): Promise<void> {
  const trial = `${paths.config}.trial`;
  await writeFile(trial, text, { mode: 0o644 });
  try {
    await assertConfig(program, paths, trial);
  } finally {
    await rm(trial, { force: true });
  }
}

/** Runs `nginx -t` as the user nginx runs as, or the logs it makes would belong to somebody else. */
async function assertConfig(program: NginxProgram, paths: NginxPaths, file: string): Promise<void> {
  const { before, user } = planNginxUser(program);
  const [command = "", ...args] = [...before, ...planNginxCommand(program, paths, file, "stderr")];
  const result = await execa(command, [...args, "-t"], {
    reject: false,
    timeout: 60_000,
    stdin: "ignore",
    env: nginxEnvironment,
    cwd: "/",
    ...user,
  });
  if (!result.failed) return;
  if (result.code === "ENOENT")
    throw new BloomError("ERR_SYSTEM_PACKAGE_MISSING", `nginx is not at ${program.binary}`);
  const words = findComplaint(result.stderr) ?? result.shortMessage ?? "no reason given";
  const isShut = words.includes("Permission denied") && program.user !== null;
  throw new BloomError(
    "ERR_NGINX_CONFIG",
    `nginx refused its configuration: ${words.replaceAll(file, "nginx.conf")}`,
    {
      ...(isShut
        ? {
            hint: `nginx runs as uid ${program.user?.uid}: choose a home whose parent folders others may pass through.`,
          }
        : {}),
      details: { output: result.stderr.slice(0, 4000) },
    },
  );
}

/** The first message of nginx that stopped it, without time and pid. */
export function findComplaint(log: string): string | undefined {
  const line = log.split("\n").find((text) => text.includes("[emerg]"));
  return line?.replace(/^.*\[emerg\]\s*(?:\d+#\d+:\s*)?/, "");
}
