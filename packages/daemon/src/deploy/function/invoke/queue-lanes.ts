/** One execution that waits for its turn. */
export interface Waiting {
  readonly execution: string;
  readonly environmentId: string;
  /** When it began to wait, on the clock of `performance.now`. */
  readonly since: number;
}

/** Who runs next: in order within a function, in turn between functions, each with no more at a time than it takes. */
export interface Lanes {
  /** How many wait, those in a pause too. */
  count(environmentId: string): number;
  /** At a time; counts from the next turn on. */
  setLimit(environmentId: string, limit: number): void;
  add(waiting: Waiting): void;
  /** The same after a pause. */
  addLater(waiting: Waiting, pauseMs: number): void;
  /** False when it does not wait. */
  remove(waiting: Pick<Waiting, "execution" | "environmentId">): boolean;
  close(): void;
}

interface Lane {
  readonly waiting: Waiting[];
  readonly paused: Map<string, NodeJS.Timeout>;
  running: number;
  limit: number;
}

/** `run` is called for each in its turn; its turn is over when the promise has settled, which must not reject. */
export function createLanes(total: number, run: (waiting: Waiting) => Promise<void>): Lanes {
  // A map keeps the order of insertion: whoever had a turn goes to its end.
  const lanes = new Map<string, Lane>();
  let running = 0;
  let closed = false;

  const laneOf = (id: string): Lane => {
    const lane = lanes.get(id) ?? { waiting: [], paused: new Map(), running: 0, limit: 1 };
    if (!lanes.has(id)) lanes.set(id, lane);
    return lane;
  };
  const forget = (id: string, lane: Lane): void => {
    const isIdle = lane.waiting.length === 0 && lane.paused.size === 0 && lane.running === 0;
    if (isIdle) lanes.delete(id);
  };
  const take = (): { readonly lane: Lane; readonly waiting: Waiting } | undefined => {
    for (const [id, lane] of lanes) {
      const waiting = lane.running < lane.limit ? lane.waiting.shift() : undefined;
      if (waiting === undefined) continue;
      lanes.delete(id);
      lanes.set(id, lane);
      return { lane, waiting };
    }
    return undefined;
  };
  const pump = (): void => {
    while (!closed && running < total) {
      const next = take();
      if (next === undefined) return;
      const { lane, waiting } = next;
      lane.running++;
      running++;
      void run(waiting).finally(() => {
        lane.running--;
        running--;
        forget(waiting.environmentId, lane);
        pump();
      });
    }
  };

  return {
    count(environmentId) {
      const lane = lanes.get(environmentId);
      return lane === undefined ? 0 : lane.waiting.length + lane.paused.size;
    },
    setLimit(environmentId, limit) {
      laneOf(environmentId).limit = Math.max(1, limit);
    },
    add(waiting) {
      laneOf(waiting.environmentId).waiting.push(waiting);
      pump();
    },
    addLater(waiting, pauseMs) {
      const lane = laneOf(waiting.environmentId);
      const timer = setTimeout(() => {
        lane.paused.delete(waiting.execution);
        lane.waiting.push(waiting);
        pump();
      }, pauseMs);
      lane.paused.set(waiting.execution, timer);
    },
    remove({ execution, environmentId }) {
      const lane = lanes.get(environmentId);
      if (lane === undefined) return false;
      const timer = lane.paused.get(execution);
      clearTimeout(timer);
      lane.paused.delete(execution);
      const index = lane.waiting.findIndex((one) => one.execution === execution);
      if (index >= 0) lane.waiting.splice(index, 1);
      forget(environmentId, lane);
      return timer !== undefined || index >= 0;
    },
    close() {
      closed = true;
      for (const lane of lanes.values()) {
        for (const timer of lane.paused.values()) clearTimeout(timer);
        lane.paused.clear();
        lane.waiting.length = 0;
      }
    },
  };
}
