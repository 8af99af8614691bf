import type { AppConfig, JsonValue } from "@bloomery/contract";

/** Names that are the platform's alone: what a user writes under them has no effect. */
export function isReservedVariable(name: string): boolean {
  return name === "PORT" || name === "SOCKET" || name.startsWith("PLATFORM_");
}

/** A copy without the platform's own names: their presence means something to programs that look for them. */
export function withoutReserved(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !isReservedVariable(name)));
}

/** JSON in base64: the form of every structured PLATFORM_ variable. */
export function encodeDocument(value: JsonValue): string {
  return Buffer.from(JSON.stringify(value), "utf8").toString("base64");
}

/** Linux takes `NAME=value` up to this size, with a zero byte at its end. */
export const longestVariableBytes = 131_072;

/** Whether the variable can be handed to a process. */
export function fitsVariable(name: string, value: string): boolean {
  return Buffer.byteLength(name) + Buffer.byteLength(value) + 2 <= longestVariableBytes;
}

/**
 * PLATFORM_APPLICATION: the manifest, without its locations where they make it longer than a variable may be. The
 * file /run/config.json has them all.
 */
export function encodeApplication(document: AppConfig["document"]): string {
  const whole = encodeDocument({ ...document });
  if (fitsVariable("PLATFORM_APPLICATION", whole)) return whole;
  const { web } = document;
  if (!isRecord(web)) return whole;
  const { locations, ...rest } = web;
  void locations;
  return encodeDocument({ ...document, web: rest });
}

/** JSON text as the platform writes it into one variable: sorted keys, a space after `:` and `,`. */
export function formatJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(formatJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}: ${formatJson(inner)}`).join(", ")}}`;
}

/**
 * The manifest as builds see it: without what may change without a new build, because all that a build sees decides
 * whether its result can be used again.
 */
export function planBuildDocument(document: AppConfig["document"]): Readonly<Record<string, JsonValue>> {
  const { access, relationships, crons, firewall, hooks, web, workers, ...rest } = document;
  void [access, relationships, crons, firewall];
  return {
    ...rest,
    hooks: pick(hooks, ["build"]),
    web: pick(web, ["mounts"]),
    workers: isRecord(workers) ? pickMounts(workers) : {},
  };
}

/** A worker without mounts of its own leaves no trace: it needs no new build to come or go. */
function pickMounts(workers: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  const picked = Object.entries(workers).map(([name, worker]) => [name, pick(worker, ["mounts"])] as const);
  return Object.fromEntries(picked.filter(([, worker]) => Object.keys(worker).length > 0));
}

function pick(value: JsonValue | undefined, keys: readonly string[]): Record<string, JsonValue> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));
}

function isRecord(value: JsonValue | undefined): value is Readonly<Record<string, JsonValue>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
