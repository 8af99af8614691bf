/** What a request waited for before its function ran. Microseconds. */
export interface Waited {
  readonly queueUs: number;
  readonly startUs: number;
}

/** What is known of requests before there is a record of them. */
export interface NoteBook {
  note(execution: string, waited: Waited): void;
  /** Hands out a note, once. */
  take(execution: string): Waited | undefined;
}

const keptMs = 60_000;
const keptNotes = 20_000;

/** Notes whose execution is never told of are dropped after a minute, and the oldest when there are too many. */
export function createNoteBook(now: () => number = Date.now): NoteBook {
  const notes = new Map<string, Waited & { readonly at: number }>();
  const dropOld = (): void => {
    const limit = now() - keptMs;
    for (const [execution, { at }] of notes) {
      if (at >= limit && notes.size < keptNotes) return;
      notes.delete(execution);
    }
  };
  return {
    note(execution, { queueUs, startUs }) {
      dropOld();
      notes.delete(execution);
      notes.set(execution, { queueUs, startUs, at: now() });
    },
    take(execution) {
      if (notes.size === 0) return undefined;
      const found = notes.get(execution);
      if (found !== undefined) notes.delete(execution);
      return found;
    },
  };
}
