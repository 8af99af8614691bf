import { open, stat } from "node:fs/promises";
import { BloomError } from "@bloomery/contract";
import type { SdkMount } from "../plan-build-sandbox.js";
import { findCompiler } from "./find-compiler.js";

/** The program that serves libraries, as builds use it. */
export interface PreforkHost {
  readonly mount: SdkMount;
  /** As rustc writes itself into what it makes, such as `1.95.0 (59807616e 2026-04-14)`; null: nobody knows. */
  readonly compiler: string | null;
}

/** Where builds see it. */
export const hostProgram = "/prefork/bloom-prefork";

/** Looks at the host. Throws ERR_TOOLCHAIN_MISSING where there is none. */
export async function openHost(path: string): Promise<PreforkHost> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true) throw missing(path);
  const compiler = findCompiler(await readWhole(path, found.size));
  return { mount: { source: path, target: hostProgram }, compiler };
}

/** Programs are a few megabytes; nothing here is larger. */
const mostBytes = 512 * 1024 ** 2;

/** A file of ours, or one in an artifact. */
export async function readWhole(path: string, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.min(size, mostBytes));
  const file = await open(path);
  try {
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function missing(path: string): BloomError {
  return new BloomError("ERR_TOOLCHAIN_MISSING", `the program that serves prefork apps is not at ${path}`, {
    hint: "Build it (`npm start` does), or name its place with --prefork when the daemon is started.",
  });
}
