import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { afterAll, beforeAll } from "vitest";
import { fixture, startPlatform, type Platform } from "./platform.js";
import { copyProject, makeProject, type Project } from "./project.js";

/** One connection of a client that speaks in lines. */
export interface Line {
  readonly socket: Socket;
  /** `127.0.0.1:40000`, as the edge sees it. */
  readonly local: string;
  /** Says a line and waits for the next one. */
  ask(line: string): Promise<string>;
  /** The next line; undefined at the end of the connection, however it ended. */
  next(): Promise<string | undefined>;
  close(): void;
}

/** Connects, or throws with the reason there is no connection. */
export async function openLine(port: number, host = "127.0.0.1"): Promise<Line> {
  const socket = connect({ port, host, noDelay: true, allowHalfOpen: true });
  await once(socket, "connect");
  // How it ends is seen by the lines that do not come any more.
  socket.on("error", () => undefined);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const next = async (): Promise<string | undefined> => {
    const { value, done } = await lines.next().catch(() => ({ value: undefined, done: true }));
    return done === true ? undefined : value;
  };
  return {
    socket,
    local: `${socket.localAddress}:${socket.localPort}`,
    next,
    async ask(line) {
      socket.write(`${line}\n`);
      const answer = await next();
      if (answer === undefined) throw new Error(`the connection ended instead of an answer to ${line}`);
      return answer;
    },
    close: () => void socket.destroy(),
  };
}

/** One question on a connection of its own. */
export async function askOnce(port: number, line: string, host?: string): Promise<string> {
  const client = await openLine(port, host);
  try {
    return await client.ask(line);
  } finally {
    client.close();
  }
}

/** The server of `fixtures/apps/tcp-lab`, told to listen there, with this bloom.toml beside it. */
export async function labFiles(
  listen: string,
  toml = "",
  env: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const folder = fixture("fixtures/apps/tcp-lab");
  const read = (path: string): Promise<string> => readFile(`${folder}/${path}`, "utf8");
  const variables = Object.entries({ LAB_LISTEN: listen, ...env });
  return {
    "Cargo.toml": await read("Cargo.toml"),
    "Cargo.lock": await read("Cargo.lock"),
    "src/main.rs": await read("src/main.rs"),
    "bloom.toml": `shape = "tcp"\n${toml}\n[env]\n${variables.map(([name, value]) => `${name} = "${value}"\n`).join("")}`,
  };
}

export interface Deployed {
  readonly shape: string;
  readonly version: number;
  readonly url: string;
  readonly tcp: readonly { readonly address: string; readonly port: number; readonly targetPort: number }[];
}

/** Who is connected to an app. */
export interface Listed {
  readonly connections: readonly {
    readonly id: string;
    readonly peer: string | null;
    readonly port: number;
    readonly version: number | null;
    readonly state: string;
    readonly bytesIn: number;
    readonly bytesOut: number;
  }[];
}

/** A platform, and projects that go with it. */
export interface TcpLab {
  platform(): Platform;
  make(files: Readonly<Record<string, string>>): Promise<Project>;
  /** A copy of a folder of this repository. */
  copy(path: string): Promise<Project>;
  deploy(project: Project, app: string): Promise<Deployed>;
  list(app: string): Promise<Listed>;
  /** Of the app's first environment, in a word. */
  health(app: string): Promise<string>;
}

/** Registers the hooks. */
export function useTcpLab(): TcpLab {
  let platform: Platform | undefined;
  const projects: Project[] = [];
  const open = (): Platform => {
    if (platform === undefined) throw new Error("the platform has not started");
    return platform;
  };
  const keep = async (making: Promise<Project>): Promise<Project> => {
    const project = await making;
    projects.push(project);
    return project;
  };
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(async () => {
    await platform?.stop();
    for (const project of projects) await project.dispose();
  });
  return {
    platform: open,
    make: (files) => keep(makeProject(files)),
    copy: (path) => keep(copyProject(fixture(path))),
    deploy: (project, app) => open().json<Deployed>("deploy", project.dir, "-a", app),
    list: (app) => open().json<Listed>("connections", app),
    async health(app) {
      const { environments } = await open().json<{ environments: { health: string }[] }>("status", app);
      return environments[0]?.health ?? "";
    },
  };
}
