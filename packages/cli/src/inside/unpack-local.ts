import { mkdir, readdir, rmdir } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar";
import { BloomError } from "@bloomery/contract";

export interface Unpacked {
  /** Everything that was taken, folders and links, too. */
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
  /** Entries that were left out, each with the reason. */
  readonly skipped: readonly string[];
}

/**
 * Unpacks what lies below `inner` in a tar ("": all) into a folder, which is made. What it holds was written by an app: nothing leaves the folder, nobody
 * gets another owner, and only files, folders and links come out of it.
 */
export async function unpackLocal(stream: Readable, folder: string, inner: string): Promise<Unpacked> {
  const counts = { entries: 0, files: 0, bytes: 0 };
  const skipped: string[] = [];
  let failure: BloomError | undefined;
  const made = await mkdir(folder, { recursive: true });
  const unpack = extract({
    cwd: folder,
    preserveOwner: false,
    filter(path, entry) {
      const rest = findBelow(path, inner);
      if (rest === undefined) return false;
      const target = "type" in entry && entry.type === "SymbolicLink" ? (entry.linkpath ?? "") : "";
      // tar would make it relative, which is another link.
      if (target.startsWith("/")) {
        skipped.push(describeLink(rest, target));
        return false;
      }
      if (inner !== "" && "linkpath" in entry) {
        entry.path = rest;
        // A second name of a file is told by the first, from the archive's top.
        if (entry.type === "Link") entry.linkpath = findBelow(entry.linkpath ?? "", inner) ?? "";
      }
      return true;
    },
    onReadEntry(entry) {
      counts.entries++;
      // Neither set-user-id nor the like, and never a folder that its owner cannot enter.
      entry.mode = ((entry.mode ?? 0o644) & 0o777) | (entry.type === "Directory" ? 0o700 : 0o600);
      if (entry.type !== "File" && entry.type !== "OldFile") return;
      counts.files++;
      counts.bytes += entry.size;
    },
    onwarn(code, message, data: WarningData = {}) {
      if (isErrno(data.code)) failure ??= explainLocal(folder, data.code, message);
      else if (code !== "TAR_ENTRY_INFO") skipped.push(explainSkipped(message, data));
    },
  });
  try {
    await pipeline(stream, unpack);
  } catch (error) {
    throw explainUnpack(folder, error);
  }
  if (failure !== undefined) throw failure;
  // A slip in the path leaves nothing behind.
  if (counts.entries === 0 && inner !== "" && made !== undefined) await rmdir(folder);
  return { ...counts, skipped };
}

/** What tar says of an entry it does not take. */
interface WarningData {
  readonly code?: unknown;
  readonly entry?: { readonly path: string; readonly linkpath?: string | undefined };
}

function explainSkipped(message: string, { entry }: WarningData): string {
  if (entry === undefined) return message;
  return message === "linkpath escapes extraction directory"
    ? describeLink(entry.path, entry.linkpath ?? "")
    : `${trimDot(entry.path)}: ${message}`;
}

function describeLink(path: string, target: string): string {
  return `${trimDot(path)}: a link to ${target}, out of the folder`;
}

function trimDot(path: string): string {
  return path.replace(/^(?:\.\/)+/, "");
}

/** A name of the archive as seen from a folder in it; undefined when it lies elsewhere. */
function findBelow(path: string, inner: string): string | undefined {
  if (inner === "") return path;
  const bare = path.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  if (bare === inner) return ".";
  return bare.startsWith(`${inner}/`) ? bare.slice(inner.length + 1) : undefined;
}

/** What the kernel says, other than tar's own complaints. */
function isErrno(code: unknown): code is string {
  return typeof code === "string" && /^E[A-Z]+$/.test(code);
}

function explainUnpack(folder: string, error: unknown): unknown {
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (error instanceof BloomError) return error;
  if (isErrno(code)) return explainLocal(folder, code, message);
  if (!message.startsWith("TAR_")) return error;
  return new BloomError("ERR_INTERNAL", `what the daemon sent is not whole: ${message}`, {
    hint: "Download it again; what has arrived is in the folder.",
    cause: error,
  });
}

function explainLocal(folder: string, code: string, message: string): BloomError {
  const kind = code === "ENOSPC" || code === "EDQUOT" ? "ERR_DISK_FULL" : "ERR_INVALID_ARGUMENT";
  return new BloomError(kind, `${folder} cannot take it all: ${message}`, {
    hint: "Choose another folder, or make room in this one.",
  });
}

/** Whether a folder has something in it; false when it is not there. Throws ERR_INVALID_ARGUMENT for a file. */
export async function hasContent(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    const reason = code === "ENOTDIR" ? "is not a folder" : `cannot be used: ${message}`;
    throw new BloomError("ERR_INVALID_ARGUMENT", `${folder} ${reason}`);
  }
}
