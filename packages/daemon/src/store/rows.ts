import type { ErrorDocument } from "@bloomery/contract";

/** The one form of times in the database: ISO-8601, UTC, milliseconds. Sorts as text. */
export function now(): string {
  return new Date().toISOString();
}

/** A flag as both databases store it. */
export function toFlag(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

/** JSON text for a column; null and absent stay what they are. */
export function toJson(value: object): string;
export function toJson(value: object | null): string | null;
export function toJson(value: object | null | undefined): string | null | undefined;
export function toJson(value: object | null | undefined): string | null | undefined {
  return value === null || value === undefined ? value : JSON.stringify(value);
}

/** A JSON column as a deeply frozen value. The store wrote it, so its type is trusted. */
export function fromJson<T>(text: string): T;
export function fromJson<T>(text: string | null): T | null;
export function fromJson<T>(text: string | null): T | null {
  return text === null ? null : freezeDeep(JSON.parse(text) as T);
}

/** The error column of builds, deployments and activities. */
export function fromErrorJson(text: string | null): ErrorDocument | null {
  return fromJson<ErrorDocument>(text);
}

/** True when a patch would change nothing: SQL has no `update` without a column. */
export function isEmptyPatch(patch: object): boolean {
  return Object.values(patch).every((value) => value === undefined);
}

/** The same value, which nobody can change any more. */
export function freezeDeep<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) freezeDeep(inner);
    Object.freeze(value);
  }
  return value;
}
