import type { EndedExecution, ExecutionQueue } from "../../../store/execution-queue.js";

/** Writes calls down that had no row while they ran: a while after they ended, many at a time. */
export interface EndedBook {
  note(ended: EndedExecution): void;
  /** Writes what is noted. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A burst of calls is written in pieces; what comes faster than the database writes is dropped, oldest first. */
const batchSize = 200;
const maxWaiting = 20_000;

export function openEndedBook(parts: {
  readonly queue: Pick<ExecutionQueue, "takeInEnded">;
  readonly written: (execution: string) => void;
  readonly log: { warn(fields: object, text: string): void };
  readonly pauseMs?: number;
}): EndedBook {
  const { pauseMs = 100 } = parts;
  let waiting: EndedExecution[] = [];
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const write = async (batch: readonly EndedExecution[]): Promise<void> => {
    try {
      await parts.queue.takeInEnded(batch);
    } catch (error) {
      // One of an app that has been deleted meanwhile keeps the others out.
      if (batch.length > 1) {
        for (const one of batch) await write([one]);
        return;
      }
      parts.log.warn({ err: error, execution: batch[0]?.id }, "an execution could not be written down");
      return;
    }
    for (const { id } of batch) parts.written(id);
  };
  const writeAll = async (): Promise<void> => {
    if (dropped > 0) parts.log.warn({ dropped }, "executions ended faster than they could be written down");
    dropped = 0;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchSize);
      waiting = waiting.slice(batchSize);
      await write(batch);
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    return (writing = writing.then(writeAll));
  };

  return {
    note(ended) {
      waiting.push(ended);
      if (waiting.length > maxWaiting) {
        waiting.shift();
        dropped++;
      }
      timer ??= setTimeout(() => void flush(), pauseMs);
    },
    flush,
    close: flush,
  };
}
