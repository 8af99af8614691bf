/** One entry of an archive that is being read. Its body must be read, or is skipped, before the next entry comes. */
export interface ArchiveEntry {
  readonly path: string;
  readonly type: "file" | "folder" | "symlink" | "hardlink" | "other";
  /** What the archive calls the type, for messages. */
  readonly typeName: string;
  readonly linkTarget: string;
  readonly executable: boolean;
  /** Bytes of the body. */
  readonly size: number;
  readonly body: AsyncIterable<Buffer>;
}

/** An entry whose content is at hand. */
export function fileEntry(path: string, content: Buffer, executable = false): ArchiveEntry {
  return {
    path,
    type: "file",
    typeName: "a file",
    linkTarget: "",
    executable,
    size: content.length,
    body: {
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve(content);
      },
    },
  };
}
