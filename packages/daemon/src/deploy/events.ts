import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { deploymentEvent, type DeploymentEvent } from "@bloomery/contract";

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
  readonly events: DeploymentEvent[];
  readonly wakeups: Set<() => void>;
  closed: boolean;
}

/** Chatty builds are kept whole in the build's own log; the event list keeps this many of their lines. */
const keptLogLines = 2000;

export function createEventHub(folder: string): EventHub {
  const running = new Map<string, Running>();
  const fileOf = (deployment: string): string => join(folder, `${deployment}.ndjson`);

  return {
    open(deployment) {
      const entry: Running = { events: [], wakeups: new Set(), closed: false };
      running.set(deployment, entry);
      let logLines = 0;
      const wake = (): void => {
        for (const wakeup of entry.wakeups) wakeup();
        entry.wakeups.clear();
      };
      return {
        emit(event) {
          if (event.type === "log" && ++logLines > keptLogLines) return;
          entry.events.push(event);
          wake();
        },
        async close() {
          // Progress is for those who watch now; whoever reads later wants what came of it.
          const lines = entry.events
            .filter((event) => event.type !== "progress")
            .map((event) => JSON.stringify(event));
          await mkdir(folder, { recursive: true });
          await appendFile(fileOf(deployment), `${lines.join("\n")}\n`);
          entry.closed = true;
          wake();
          running.delete(deployment);
        },
      };
    },

    async *watch(deployment, signal) {
      const entry = running.get(deployment);
      if (entry === undefined) {
        yield* await readEvents(fileOf(deployment));
        return;
      }
      for (let index = 0; ;) {
        for (; index < entry.events.length; index++) {
          const event = entry.events[index];
          if (event === undefined) continue;
          yield event;
          if (event.type === "finished") return;
        }
        if (entry.closed || signal.aborted) return;
        await new Promise<void>((resolve) => {
          entry.wakeups.add(resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
    },
  };
}

async function readEvents(file: string): Promise<DeploymentEvent[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => deploymentEvent.parse(JSON.parse(line)));
}
