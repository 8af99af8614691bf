import { Agent, request } from "node:http";

/** What a load saw; `failures` are answers that are not 200 and connections that broke. */
export interface LoadResult {
  readonly requests: number;
  readonly failures: readonly string[];
  /** Every different body, with how often it came. */
  readonly bodies: ReadonlyMap<string, number>;
}

export interface Load {
  /** Requests answered so far. */
  readonly count: () => number;
  /** Ends the load after the requests under way; bounded by the time limit in any case. */
  stop(): Promise<LoadResult>;
}

/**
 * Clients that ask one after the other until they are stopped or the time is over, on connections they
 * keep or, without `keepAlive`, on a new one for each request. They run in the test's own process: enough to hit
 * every moment of a switch, and gone with it.
 */
export function startLoad(
  port: number,
  host: string,
  options: {
    clients?: number;
    limitMs?: number;
    /** Of the request with this number, from 0. */
    path?: (index: number) => string;
    method?: string;
    keepAlive?: boolean;
  } = {},
): Load {
  const { clients = 8, limitMs = 60_000, path = () => "/", method = "GET", keepAlive = true } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const end = Date.now() + limitMs;
  const failures: string[] = [];
  const bodies = new Map<string, number>();
  let asked = 0;
  let requests = 0;
  let running = true;

  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const fail = (what: string): void => {
        failures.push(`${new Date().toISOString()} ${what}`);
        resolve();
      };
      const headers = { host: `${host}:${port}` };
      const to = { port, host: "127.0.0.1", method, path: path(asked++), headers };
      // An agent that is limited keeps connections, whatever it was told.
      const call = request({ ...to, agent: keepAlive ? agent : false });
      call.setTimeout(15_000, () => call.destroy(new Error("no answer within 15 s")));
      call.on("error", (error) => fail(error.message));
      call.on("response", (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("error", (error) => fail(`cut answer: ${error.message}`));
        response.on("end", () => {
          requests++;
          bodies.set(body, (bodies.get(body) ?? 0) + 1);
          if (response.statusCode === 200) resolve();
          else fail(`status ${response.statusCode}`);
        });
      });
      call.end();
    });
  const client = async (): Promise<void> => {
    while (running && Date.now() < end) await once();
  };
  const done = Promise.all(Array.from({ length: clients }, client));
  return {
    count: () => requests,
    async stop() {
      running = false;
      await done;
      agent.destroy();
      return { requests, failures, bodies };
    },
  };
}
