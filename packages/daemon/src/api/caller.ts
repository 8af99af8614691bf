import { createHash, randomBytes } from "node:crypto";
import { BloomError, isRoleEnough, type ApiRoute, type Role } from "@bloomery/contract";
import type { Token } from "../store/tokens.js";

/** Who calls, as found from the token; its name is what activities say. */
export type Caller = Pick<Token, "name" | "role" | "orgId" | "orgName" | "appId" | "appName">;

/** Only this is stored of a token. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** A new token: `bloom_` and 256 random bits, so that scanners for leaked secrets can tell what it is. */
export function newSecret(): string {
  return `bloom_${randomBytes(32).toString("base64url")}`;
}

/** The bearer token of a request; undefined when there is none. */
export function parseBearer(header: string | undefined): string | undefined {
  const match = /^Bearer ([!-~]{1,512})$/i.exec(header ?? "");
  return match?.[1];
}

/** Throws ERR_FORBIDDEN unless the caller's role includes the one that is needed. */
export function assertRole(caller: Caller, needed: Role): void {
  if (isRoleEnough(caller.role, needed)) return;
  throw new BloomError("ERR_FORBIDDEN", `this needs the role ${needed}, but the token has ${caller.role}`);
}

const widerToken = "Use a token that reaches it, or ask an admin for one.";

/**
 * Throws ERR_FORBIDDEN unless the caller's role is enough and the token reaches the org and app the route
 * names. Routes of the whole platform that read (`GET`) are open to limited tokens, because their handlers
 * answer with what the token may see; those that change something are not.
 */
export function assertAllowed(
  caller: Caller,
  route: ApiRoute,
  target: { readonly org?: string; readonly app?: string },
): void {
  if (route.access === "public") return;
  assertRole(caller, route.access);
  const limited = caller.orgName !== null;
  if (limited && route.scope === "platform" && route.method !== "GET") {
    throw new BloomError(
      "ERR_FORBIDDEN",
      "this changes the whole platform, but the token is limited to one organization",
      { hint: widerToken },
    );
  }
  if (limited && target.org !== undefined && target.org !== caller.orgName) {
    throw new BloomError("ERR_FORBIDDEN", `the token is limited to the organization ${caller.orgName}`, {
      hint: widerToken,
    });
  }
  if (
    caller.appName !== null &&
    (route.scope === "app" ? target.app !== caller.appName : route.scope === "org")
  ) {
    throw new BloomError("ERR_FORBIDDEN", `the token is limited to the app ${caller.appName}`, {
      hint: widerToken,
    });
  }
}
