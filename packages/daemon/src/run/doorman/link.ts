import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import {
  BloomError,
  doormanNews,
  type DoormanHello,
  type DoormanNews,
  type DoormanOrder,
  type ListedDoor,
} from "@bloomery/contract";
import type { InstanceAddress } from "../engines/engine.js";
import { planKeep, planLead, type DoorPlan } from "./plan-doorman.js";

/** Finds out where a door leads. The signal says that nobody waits there any more. */
export type Wake = (door: string, signal: AbortSignal) => Promise<InstanceAddress>;

/** The line to a doorman; it lives as long as the doorman does. */
export interface DoormanLink {
  readonly hello: DoormanHello;
  /** Resolves to the doors that could not be opened. */
  keep(doors: readonly DoorPlan[]): Promise<readonly { readonly door: string; readonly reason: string }[]>;
  list(): Promise<readonly ListedDoor[]>;
  /** Asks it to end with the last connection it carries; resolves when its doors are closed. */
  finish(): Promise<void>;
  /** Fulfils when the doorman is gone, or the line broke. */
  readonly closed: Promise<void>;
  /** Lets go of it; the doorman goes on. */
  close(): void;
}

const answerLimitMs = 10_000;

interface Asked {
  readonly resolve: (news: DoormanNews) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Connects, and waits until the doorman has said who it is. Throws ERR_INTERNAL when nobody answers: `cause` has the
 * socket's error when nobody listens at all. Everybody who waits at a door is led where `wake` says, and refused when
 * it throws.
 */
export async function openDoormanLink(
  path: string,
  wake: Wake,
  limitMs: number = answerLimitMs,
): Promise<DoormanLink> {
  const socket = await connectTo(path);
  /** Answered in the order of asking; the greeting is an answer, too. */
  const asked: Asked[] = [];
  const wakes = new Map<string, AbortController>();

  const send = (order: DoormanOrder): void => void socket.write(`${JSON.stringify(order)}\n`);
  const forget = (door: string): void => {
    wakes.get(door)?.abort(new Error("nobody waits any more"));
    wakes.delete(door);
  };
  const knock = async (door: string): Promise<void> => {
    forget(door);
    const abort = new AbortController();
    wakes.set(door, abort);
    const order = await wake(door, abort.signal).then(
      (target) => planLead(door, target),
      () => ({ refuse: { door } }),
    );
    // Whoever knocks after that is told of anew, and has a wake of its own.
    if (abort.signal.aborted) return;
    wakes.delete(door);
    send(order);
  };
  const receive = (line: string): void => {
    const { data: news } = doormanNews.safeParse(parseJson(line));
    if (news === undefined) return;
    if ("knock" in news) return void knock(news.knock.door);
    if ("gone" in news) return forget(news.gone.door);
    asked.shift()?.resolve(news);
  };
  createInterface({ input: socket })
    .on("line", receive)
    .on("error", () => undefined);
  socket.on("error", () => undefined); // "close" follows and says all that matters
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      for (const { reject } of asked.splice(0)) reject(lost(path));
      for (const door of wakes.keys()) forget(door);
      resolve();
    });
  });

  /** Who does not answer is taken for dead. */
  const untilAnswered = (): Promise<DoormanNews> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(lost(path));
      const timer = setTimeout(() => socket.destroy(), limitMs);
      asked.push({
        resolve: (news) => (clearTimeout(timer), resolve(news)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
    });
  const ask = async (order: DoormanOrder): Promise<DoormanNews> => {
    const answer = untilAnswered();
    send(order);
    const news = await answer;
    if ("error" in news) throw new BloomError("ERR_INTERNAL", `the doorman refused: ${news.error.message}`);
    return news;
  };

  const greeting = await untilAnswered();
  if (!("hello" in greeting)) {
    socket.destroy();
    throw new BloomError("ERR_INTERNAL", `what answers on ${path} is no doorman`);
  }
  const { hello } = greeting;
  return {
    hello,
    async keep(doors) {
      const news = await ask(planKeep(doors));
      return "kept" in news ? news.kept.failed : [];
    },
    async list() {
      const news = await ask({ list: {} });
      return "listed" in news ? news.listed.doors : [];
    },
    finish: async () => void (await ask({ finish: {} })),
    closed,
    close: () => socket.destroy(),
  };
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => resolve(socket));
    socket.once("error", (cause) =>
      reject(new BloomError("ERR_INTERNAL", `no doorman listens on ${path}`, { cause })),
    );
  });
}

function lost(path: string): BloomError {
  return new BloomError("ERR_INTERNAL", `the doorman at ${path} is gone or does not answer`);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
