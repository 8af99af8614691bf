import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { BloomError } from "@bloomery/contract";
import type { Engine, RunningCommand } from "../run/engines/engine.js";

/** A folder of a volume on the host, with the app that owns it. */
export interface MountFolder {
  readonly appSlot: number;
  readonly source: string;
}

/**
 * Moves files in and out of volumes. Every name and link in a volume is the app's own making, and so is every name
 * in an archive: tar walks them as the app's user, in a sandbox that holds nothing but the one folder, so that none
 * leads anywhere else.
 */
export interface MountFiles {
  /** Bytes in the files of each folder. */
  measure(appSlot: number, sources: readonly string[]): Promise<readonly number[]>;
  /** Throws ERR_DISK_FULL, ERR_INTERRUPTED, or ERR_INVALID_ARGUMENT with tar's words. */
  unpack(folder: MountFolder, tar: Readable, signal: AbortSignal): Promise<void>;
  /** A tar of the folder. Throws when not all of it could be read. */
  pack(folder: MountFolder, signal: AbortSignal): AsyncGenerator<Uint8Array>;
}

const inside = "/mounts";
const keptWords = 2000;

const measureScript =
  'for folder do find "$folder" -xdev -type f -printf "%s\\n" 2>/dev/null | awk \'{n += $1} END {printf "%.0f\\n", n}\'; done';

export function createMountFiles(runTool: Engine["runTool"]): MountFiles {
  const run = (
    appSlot: number,
    sources: readonly string[],
    command: readonly string[],
    writable: boolean,
  ): Promise<RunningCommand> =>
    runTool({
      id: `tool-${randomUUID()}`,
      appSlot,
      mounts: sources.map((source, index) => ({ source, target: `${inside}/${index}`, writable })),
      command,
    });

  return {
    async measure(appSlot, sources) {
      if (sources.length === 0) return [];
      const folders = sources.map((_, index) => `${inside}/${index}`);
      const tool = await run(appSlot, sources, ["/bin/sh", "-c", measureScript, "sh", ...folders], false);
      tool.stdin.end();
      tool.stderr.resume();
      const figures = (await text(tool.stdout)).trim().split("\n");
      await tool.exit;
      return sources.map((_, index) => Number.parseInt(figures[index] ?? "", 10) || 0);
    },

    async unpack({ appSlot, source }, tar, signal) {
      // The folder's own rights are the platform's: an entry `./` must not change them.
      const flags = ["--no-same-owner", "--no-same-permissions", "--no-overwrite-dir"];
      const command = ["tar", "--extract", "--file=-", `--directory=${inside}/0`, ...flags];
      const tool = await run(appSlot, [source], command, true);
      const release = endWith(signal, tool);
      const words = collectWords(tool.stderr);
      tool.stdout.resume();
      // An upload that breaks off must not look like one that has ended.
      tar.once("error", () => tool.signal("TERM"));
      tar.pipe(tool.stdin);
      try {
        const { code } = await tool.exit;
        if (signal.aborted) throw new BloomError("ERR_INTERRUPTED", "the upload was broken off");
        if (code !== 0) throw explainFailure("the archive could not be unpacked", code, words());
      } finally {
        release();
        tar.unpipe();
        tar.resume();
      }
    },

    async *pack({ appSlot, source }, signal) {
      const command = ["tar", "--create", "--file=-", `--directory=${inside}/0`, "--one-file-system", "."];
      const tool = await run(appSlot, [source], command, false);
      const release = endWith(signal, tool);
      const words = collectWords(tool.stderr);
      tool.stdin.end();
      let isWhole = false;
      try {
        yield* tool.stdout as AsyncIterable<Uint8Array>;
        const { code } = await tool.exit;
        isWhole = true;
        // 1: a file changed while it was read, as files of a running app do.
        if (code > 1) throw explainFailure("the mount could not be read", code, words());
      } finally {
        release();
        if (!isWhole) tool.signal("TERM");
      }
    },
  };
}

/** Ends the tool when the signal aborts; returns what lets go of the signal. */
function endWith(signal: AbortSignal, tool: RunningCommand): () => void {
  const end = (): void => {
    tool.signal("TERM");
    tool.stdout.destroy();
  };
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  return () => signal.removeEventListener("abort", end);
}

/** Reads to the end, and remembers the beginning: the first complaint is the cause of the others. */
function collectWords(stream: Readable): () => string {
  let words = "";
  stream.on("data", (chunk: Buffer) => {
    if (words.length < keptWords) words += chunk.toString("utf8");
  });
  return () => words.slice(0, keptWords).trim();
}

const mostLines = 3;

function explainFailure(what: string, code: number, words: string): BloomError {
  const lines = words.replaceAll(`${inside}/0`, ".").split("\n");
  const rest = lines.length > mostLines ? "\n…" : "";
  const said = words === "" ? `tar ended with ${code}` : `${lines.slice(0, mostLines).join("\n")}${rest}`;
  const message = `${what}: ${said}`;
  if (!/No space left on device|Disk quota exceeded|Wrote only \d+ of/.test(words))
    return new BloomError("ERR_INVALID_ARGUMENT", message);
  return new BloomError("ERR_DISK_FULL", message, {
    hint: "`bloom mount size APP` shows what the mounts hold, and each file takes some room of its own; `disk` in the manifest makes more. What was copied so far is there.",
  });
}
