import { openCursor, readNews } from "../log-series.js";
import { createRounds } from "../rounds.js";
import { readStreamLine, type StreamLine } from "./read-stream-line.js";

/** One connection that nginx has told of and not ended yet, as far as its log says. */
export interface Session {
  readonly id: string;
  /** The client's address and port, as nginx writes them. */
  readonly peer: string;
  /** The address it came to; null for connections that nginx has no part in. */
  readonly listen: string | null;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** The two ends of its connection to the app, as nginx writes them; null until there is one. */
  readonly local: string | null;
  readonly target: string | null;
}

/** Who is connected, by what nginx writes down. */
export interface ConnectionBook {
  /** Takes what nginx has written until now. */
  read(): Promise<void>;
  sessions(): Iterable<Session>;
  /** They do not exist any more, whatever the log says. */
  forget(ids: Iterable<string>): void;
  close(): Promise<void>;
}

/** How many predecessors nginx's log has. */
const rotatedFiles = 4;
/** What is read in time is never rotated away unread; nobody looks at the book in between. */
const readEveryMs = 30_000;
/** So many may be in the book before it is worth asking the kernel which of them are left. */
const fewSessions = 1000;

/**
 * Keeps the sessions of a stream log, from the beginning of what is left of it. A worker of nginx that is killed tells
 * of no ends: whenever twice as many are in the book as were found to be open, `findOpen` says which of them are.
 */
export function openBook(parts: {
  readonly file: string;
  /** Those of these sessions that the kernel still has; it may answer with all when it cannot say. */
  readonly findOpen: (sessions: readonly Session[]) => Promise<ReadonlySet<string>>;
  readonly log: { warn(fields: object, text: string): void };
  readonly readEveryMs?: number;
}): ConnectionBook {
  const sessions = new Map<string, Session>();
  const cursor = openCursor<StreamLine>({
    file: parts.file,
    rotated: rotatedFiles,
    parse: readStreamLine,
  });
  let limit = fewSessions;

  const take = (line: StreamLine): void => {
    const { session: id } = line;
    if (line.kind === "client") {
      const { peer, listen, at: since } = line;
      // Of a number that is used again the later one counts.
      sessions.delete(id);
      sessions.set(id, { id, peer, listen, since, local: null, target: null });
    } else if (line.kind === "upstream") {
      const known = sessions.get(id);
      const { local, target } = line;
      if (known !== undefined) sessions.set(id, { ...known, local, target });
    } else sessions.delete(id);
  };
  const sweep = async (): Promise<void> => {
    const open = await parts.findOpen([...sessions.values()]);
    for (const id of sessions.keys()) if (!open.has(id)) sessions.delete(id);
    limit = Math.max(fewSessions, sessions.size * 2);
  };
  const rounds = createRounds(
    async () => {
      for await (const lines of readNews(cursor)) {
        for (const line of lines) take(line);
        if (sessions.size > limit) await sweep();
      }
    },
    {
      ...{ waitMs: 0, longestMs: readEveryMs, retryMs: readEveryMs },
      onError: (err) => parts.log.warn({ err }, "nginx's log of connections could not be read"),
    },
  );
  const timer = setInterval(
    () => void rounds.now().catch(() => undefined),
    parts.readEveryMs ?? readEveryMs,
  ).unref();

  return {
    read: () => rounds.now(),
    sessions: () => sessions.values(),
    forget(ids) {
      for (const id of ids) sessions.delete(id);
    },
    async close() {
      clearInterval(timer);
      await rounds.close();
    },
  };
}
