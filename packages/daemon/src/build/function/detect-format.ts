import { BloomError } from "@bloomery/contract";

export type CodeFormat = "zip" | "tar.gz" | "tar" | "rust";

/** First bytes of what people pack with, and that is not read here. */
const others: readonly (readonly [string, string])[] = [
  ["377abcaf271c", "a 7z archive"],
  ["526172211a07", "a rar archive"],
  ["fd377a585a00", "packed by xz"],
  ["28b52ffd", "packed by zstd"],
  ["425a68", "packed by bzip2"],
  ["7f454c46", "a compiled program"],
];

/** What the bytes are, whatever their file was called. Throws ERR_INVALID_ARGUMENT for anything else. */
export function detectFormat(bytes: Buffer): CodeFormat {
  if (bytes.length === 0) throw unknown("it is empty");
  const start = bytes.toString("hex", 0, 6);
  if (/^504b(?:0304|0506|0708)/.test(start)) return "zip";
  if (start.startsWith("1f8b")) return "tar.gz";
  if (bytes.toString("latin1", 257, 262) === "ustar") return "tar";
  const other = others.find(([magic]) => start.startsWith(magic));
  if (other !== undefined) throw unknown(`it is ${other[1]}`);
  if (!isText(bytes)) throw unknown("it is neither an archive nor text");
  return "rust";
}

function isText(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return !bytes.includes(0);
  } catch {
    return false;
  }
}

function unknown(what: string): BloomError {
  return new BloomError("ERR_INVALID_ARGUMENT", `the code cannot be read: ${what}`, {
    hint: "Send a folder, a zip, a tar.gz, or one .rs file as UTF-8.",
  });
}
