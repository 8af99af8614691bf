import { createServer, type IncomingMessage } from "node:http";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Token } from "../../store/tokens.js";
import { listenFor, type Owner } from "../hold/sockets.js";

/** Answers nginx whether a bearer may call a function. nginx remembers the answers for a while. */
export interface Authority {
  close(): Promise<void>;
}

/** How far a token reaches; its role does not matter, for the smallest may call. */
export type Bearer = Pick<Token, "orgName" | "appName">;

export interface AuthorityOptions {
  readonly path: string;
  readonly owner: Owner;
  /** Finds the bearer of a secret; undefined when unknown or expired. */
  readonly authenticate: (secret: string) => Promise<Bearer | undefined>;
  readonly log: { error(fields: object, text: string): void };
}

export function authorityPath(folder: string): string {
  return join(folder, "authority.sock");
}

/** 204: may call; 401: nobody knows the token; 403: it is for another app or organization. */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const server = createServer((request, response) => {
    void judge(request, options).then(
      (status) => response.writeHead(status).end(),
      (err: unknown) => {
        options.log.error({ err }, "a token could not be looked up");
        // nginx goes on with what it knew before.
        response.writeHead(503).end();
      },
    );
  });
  await listenFor(server, options);
  let closing: Promise<void> | undefined;
  return {
    close: () =>
      (closing ??= (async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        await rm(options.path, { force: true });
      })()),
  };
}

async function judge({ headers }: IncomingMessage, { authenticate }: AuthorityOptions): Promise<number> {
  const secret = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
  const bearer = secret === undefined ? undefined : await authenticate(secret);
  if (bearer === undefined) return 401;
  const id = headers["x-bloom-function"];
  const [org, app] = typeof id === "string" ? id.split("/") : [];
  if (bearer.orgName !== null && bearer.orgName !== org) return 403;
  return bearer.appName !== null && bearer.appName !== app ? 403 : 204;
}
