import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { deploymentEvent, type DeploymentEvent } from "@bloomery/contract";
import { createEventList, type EventList } from "./event-list.js";

/** Collects what happens in deployments: kept on disk, told to everyone who watches. */
export interface EventHub {
  open(deployment: string): EventWriter;
  /** All events so far, then the coming ones, until the deployment has finished or the signal aborts. */
  watch(deployment: string, signal: AbortSignal): AsyncIterable<DeploymentEvent>;
}

export interface EventWriter {
  emit(event: DeploymentEvent): void;
  /** Waits until everything is on disk and forgets the deployment. */
  close(): Promise<void>;
}

interface Running {
  readonly list: EventList;
  readonly wakeups: Set<() => void>;
  closed: boolean;
}

/** Chatty builds are kept whole in the build's own log; the events keep this many of the last lines. */
const keptLogLines = 10_000;

export function createEventHub(folder: string): EventHub {
  const running = new Map<string, Running>();
  const fileOf = (deployment: string): string => join(folder, `${deployment}.ndjson`);

  return {
    open(deployment) {
      const entry: Running = { list: createEventList(keptLogLines), wakeups: new Set(), closed: false };
      running.set(deployment, entry);
      const wake = (): void => {
        for (const wakeup of entry.wakeups) wakeup();
        entry.wakeups.clear();
      };
      return {
        emit(event) {
          entry.list.push(event);
          wake();
        },
        async close() {
          try {
            await mkdir(folder, { recursive: true });
            await appendFile(fileOf(deployment), formatEvents(entry.list));
          } finally {
            entry.closed = true;
            wake();
            running.delete(deployment);
          }
        },
      };
    },

    async *watch(deployment, signal) {
      const entry = running.get(deployment);
      if (entry === undefined) {
        yield* await readEvents(fileOf(deployment));
        return;
      }
      for (const event of entry.list.read()) {
        if (event !== null) yield event;
        if (event?.type === "finished") return;
        if (event !== null) continue;
        if (entry.closed || signal.aborted) return;
        await nextWakeup(entry, signal);
      }
    },
  };
}

/** Until there is news, or the signal aborts; leaves nothing behind on a signal that lives longer. */
async function nextWakeup(entry: Running, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = deferred();
  entry.wakeups.add(resolve);
  signal.addEventListener("abort", resolve, { once: true });
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", resolve);
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** Progress is for those who watch now; whoever reads later wants what came of it. */
function formatEvents(list: EventList): string {
  let text = "";
  for (const event of list.read()) {
    if (event === null) break;
    if (event.type !== "progress") text += `${JSON.stringify(event)}\n`;
  }
  return text;
}

async function readEvents(file: string): Promise<DeploymentEvent[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => deploymentEvent.parse(JSON.parse(line)));
}
