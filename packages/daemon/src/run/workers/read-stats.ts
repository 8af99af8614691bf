import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { connect } from "node:net";

/** A host that does not say in this time says nothing: nobody's list waits longer for it. */
const statsMilliseconds = 500;

/** More than thousands of threads need; an app may have put something else there. */
const mostBytes = 16 * 1_048_576;

/** What the host answers; null when nothing is there or it refuses, or when it takes too long or is too much. */
export async function readStats(path: string, limitMs = statsMilliseconds): Promise<string | null> {
  // Its folder is the app's own: what lies there is opened first, so that a link cannot lead us elsewhere.
  const flags = oPath | constants.O_NOFOLLOW;
  const file = await open(path, flags).catch(() => undefined);
  if (file === undefined) return null;
  try {
    if (!(await file.stat()).isSocket()) return null;
    return cutHead(await readSocket(`/proc/self/fd/${file.fd}`, limitMs));
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** `O_PATH`, which Node does not name. */
const oPath = 0o10000000;

/** What comes behind the head of an answer that is one. */
function cutHead(text: string | null): string | null {
  const end = text?.indexOf("\r\n\r\n") ?? -1;
  return text !== null && end >= 0 && /^HTTP\/1\.[01] 200 /.test(text) ? text.slice(end + 4) : null;
}

function readSocket(path: string, limitMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const socket = connect({ path });
    socket.write("GET / HTTP/1.0\r\n\r\n");
    const finish = (text: string | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(() => finish(null), limitMs);
    socket.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > mostBytes) finish(null);
      else parts.push(part);
    });
    socket.on("end", () => finish(Buffer.concat(parts).toString("utf8")));
    socket.on("error", () => finish(null));
    socket.on("close", () => finish(null));
  });
}
