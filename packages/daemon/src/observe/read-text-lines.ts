import { open } from "node:fs/promises";

/** The lines of a text file; none when it does not exist: what has said nothing has no log. */
export async function* readTextLines(path: string): AsyncGenerator<string> {
  const file = await open(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  });
  if (file === null) return;
  try {
    yield* file.readLines({ autoClose: false });
  } finally {
    await file.close();
  }
}
