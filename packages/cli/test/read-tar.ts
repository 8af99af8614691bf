import { Parser } from "tar";

/** Names and texts of a tar's entries. */
export async function readTar(bytes: unknown): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({ strict: true });
    parser.on("entry", (entry) => {
      let text = "";
      entry.on("data", (chunk: Buffer) => (text += chunk.toString()));
      entry.on("end", () => (found[entry.path] = text));
    });
    parser.on("error", reject);
    parser.on("end", resolve);
    parser.end(bytes as Buffer);
  });
  return found;
}
