import type { DeploymentEvent } from "@bloomery/contract";

/** The events of a running deployment: all that says what happened, and the last lines of what was printed. */
export interface EventList {
  push(event: DeploymentEvent): void;
  /** Those that are there, then `null` whenever there is nothing more for now. Never ends by itself. */
  read(): Generator<DeploymentEvent | null, never>;
}

interface Link {
  /** Null: left out since. */
  event: DeploymentEvent | null;
  previous: Link | null;
  next: Link | null;
}

/** A chain, so that readers go on from where they stand while lines before and behind them are left out. */
export function createEventList(keptLines: number): EventList {
  const start: Link = { event: null, previous: null, next: null };
  let end = start;
  const lines: Link[] = [];

  const leaveOut = (link: Link): void => {
    link.event = null;
    if (link.previous !== null) link.previous.next = link.next;
    if (link.next !== null) link.next.previous = link.previous;
  };

  return {
    push(event) {
      const link: Link = { event, previous: end, next: null };
      end.next = link;
      end = link;
      if (event.type !== "log") return;
      lines.push(link);
      const oldest = lines.length > keptLines ? lines.shift() : undefined;
      if (oldest !== undefined) leaveOut(oldest);
    },
    *read() {
      for (let link = start; ;) {
        if (link.next === null) {
          yield null;
          continue;
        }
        link = link.next;
        if (link.event !== null) yield link.event;
      }
    },
  };
}
