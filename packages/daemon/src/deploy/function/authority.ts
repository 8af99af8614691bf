import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Token } from "../../store/tokens.js";
import { listenFor, type Owner } from "../hold/sockets.js";
import { createRefusals, type Refusals } from "./refusals.js";

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
  readonly refusals?: Refusals;
  readonly log: { error(fields: object, text: string): void };
}

export function authorityPath(folder: string): string {
  return join(folder, "authority.sock");
}

/** So many tokens are remembered, 100 bytes each. */
const mostGood = 10_000;

interface Verdict {
  readonly status: 204 | 401 | 403;
  /** Seconds in which tokens from this address are not looked up: nginx can take no other status for that. */
  readonly wait?: number;
}

/**
 * 204: may call; 401: nobody knows the token; 403: it is for another app or organization, or too many from this address
 * were unknown. Tokens that were good a while ago are looked up wherever they come from.
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { authenticate, refusals = createRefusals() } = options;
  // The digests of tokens that were good, the oldest first: secrets are not kept.
  const good = new Set<string>();

  const judge = async ({ headers }: IncomingMessage): Promise<Verdict> => {
    const secret = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
    if (secret === undefined) return { status: 401 };
    const address = String(headers["x-bloom-client"] ?? "");
    const wait = refusals.waitOf(address);
    if (wait > 0 && !good.has(digestOf(secret))) return { status: 403, wait };
    const bearer = await authenticate(secret);
    if (bearer === undefined) {
      refusals.note(address);
      return { status: 401 };
    }
    remember(good, digestOf(secret));
    return { status: reaches(bearer, headers["x-bloom-function"]) ? 204 : 403 };
  };

  const server = createServer((request, response) => {
    void judge(request).then(
      ({ status, wait }) => {
        // Nothing about the token was found out that nginx could remember.
        const limited =
          wait === undefined ? {} : { "x-bloom-wait": String(wait), "cache-control": "no-store" };
        response.writeHead(status, limited).end();
      },
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

function reaches({ orgName, appName }: Bearer, id: string | string[] | undefined): boolean {
  const [org, app] = typeof id === "string" ? id.split("/") : [];
  return (orgName === null || orgName === org) && (appName === null || appName === app);
}

function remember(digests: Set<string>, digest: string): void {
  digests.delete(digest);
  digests.add(digest);
  const [oldest] = digests;
  if (digests.size > mostGood && oldest !== undefined) digests.delete(oldest);
}

function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64");
}
