import { createHash } from "node:crypto";
import { access } from "node:fs/promises";
import { BloomError } from "@bloomery/contract";
import { defaultBlocks, isOverlapping, parseBlock, parseTableName, type NetworkBlock } from "./plan-block.js";
import { applyNft, runTool, tryTool } from "./run-tool.js";

export interface ClaimOptions {
  /** The daemon's home: absolute path, the owner of the claim. */
  readonly home: string;
  /** The block to try first, `198.18.0.0/16`; null: the default ones in turn. */
  readonly preferred: string | null;
  /** Tried after `preferred`. */
  readonly candidates?: readonly string[];
}

/**
 * Finds a block that no other daemon of this machine holds. Creating the nftables table is the claim, since
 * it is atomic and ends with the machine's uptime like the addresses themselves. A home gets its own table
 * back; a table whose home no longer exists is taken over. Throws ERR_NETWORK_SETUP when all are held.
 */
export async function claimBlock(options: ClaimOptions): Promise<NetworkBlock> {
  const mark = formatMark(options.home);
  const held = await readClaims();
  const own = held.find((claim) => claim.mark === mark);
  if (own !== undefined && (options.preferred === null || options.preferred === own.block.cidr))
    return own.block;

  const routes = await readRoutes();
  const wanted = new Set([
    ...(options.preferred === null ? [] : [options.preferred]),
    ...(options.candidates ?? defaultBlocks),
  ]);
  for (const block of [...wanted].map(parseBlock)) {
    if (routes.some((range) => isOverlapping(range, block.cidr))) continue;
    if (await tryClaim(block, mark)) return block;
  }
  throw new BloomError(
    "ERR_NETWORK_SETUP",
    `none of ${[...wanted].join(", ")} is free for this daemon's instances`,
    {
      hint: "Give a block that nothing on this machine uses with --network.",
    },
  );
}

/** Gives the block back. */
export async function releaseBlock(block: NetworkBlock): Promise<void> {
  await tryTool("nft", ["delete", "table", "ip", block.table]);
}

async function tryClaim(block: NetworkBlock, mark: string): Promise<boolean> {
  const body = `create table ip ${block.table} { comment "${mark}"\n}\n`;
  const before = await readClaim(block);
  if (before === undefined) {
    if (!(await isApplied(body))) return false;
  } else if (before.mark !== mark) {
    // By its handle: when two daemons find the same stale table, only one of them replaces it.
    if (!(await isStale(before.mark))) return false;
    if (!(await isApplied(`delete table ip handle ${before.handle}\n${body}`))) return false;
  }
  // Tables of other sizes may cover the same addresses; both sides step back rather than share.
  for (const claim of await readClaims()) {
    if (claim.block.table === block.table || !isOverlapping(claim.block.cidr, block.cidr)) continue;
    if (await isStale(claim.mark)) await tryTool("nft", ["delete", "table", "ip", "handle", claim.handle]);
    else {
      await releaseBlock(block);
      return false;
    }
  }
  return true;
}

interface Claim {
  readonly block: NetworkBlock;
  readonly mark: string;
  readonly handle: string;
}

async function readClaims(): Promise<readonly Claim[]> {
  const listing = await runTool("nft", ["list", "tables", "ip"]);
  const blocks = [...listing.matchAll(/^table ip (\S+)$/gm)].flatMap(
    (match) => parseTableName(match[1] ?? "") ?? [],
  );
  const claims = await Promise.all(blocks.map(readClaim));
  return claims.filter((claim) => claim !== undefined);
}

async function readClaim(block: NetworkBlock): Promise<Claim | undefined> {
  const text = await tryTool("nft", ["--terse", "-a", "list", "table", "ip", block.table]);
  const handle = /# handle (\d+)/.exec(text ?? "")?.[1];
  if (text === undefined || handle === undefined) return undefined;
  return { block, handle, mark: /^\tcomment "(.*)"$/m.exec(text)?.[1] ?? "" };
}

/** Comments hold 128 bytes and no quotes; a home that does not fit is known by its hash alone. */
function formatMark(home: string): string {
  const mark = `home=${encodeURI(home).replace(/["'\\]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)}`;
  if (mark.length <= 120) return mark;
  return `home#${createHash("sha256").update(home).digest("hex").slice(0, 40)}`;
}

/** True when the owner's home is known to be gone. */
async function isStale(mark: string): Promise<boolean> {
  if (!mark.startsWith("home=")) return false;
  try {
    await access(decodeURIComponent(mark.slice("home=".length)));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

async function isApplied(text: string): Promise<boolean> {
  try {
    await applyNft(text);
    return true;
  } catch (error) {
    // Somebody was faster; anything else (no rights, no kernel support) is told.
    if (error instanceof BloomError && /File exists|No such file/.test(error.message)) return false;
    throw error;
  }
}

/** Ranges this machine already has a way to, without the default routes and without what daemons like this one made. */
async function readRoutes(): Promise<readonly string[]> {
  const text = await runTool("ip", ["-4", "-j", "route", "show", "table", "all"]);
  const routes = JSON.parse(text === "" ? "[]" : text) as readonly Record<string, unknown>[];
  return routes.flatMap((route) => {
    const { dst, dev, type } = route;
    if (typeof dst !== "string" || dst === "default" || dst === "0.0.0.0/0") return [];
    const ours = dev === "lo" || type === "unreachable" || (typeof dev === "string" && dev.startsWith("bv-"));
    return ours ? [] : [dst];
  });
}
