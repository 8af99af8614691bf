import { BloomError } from "@bloomery/contract";
import { fitsVariable, longestVariableBytes } from "../config/platform-documents.js";

/** Linux takes a quarter of the stack's limit, which is 2 MiB as a rule, for variables and arguments together. */
const longestTogether = 1_500_000;

/** Throws ERR_ENVIRONMENT_TOO_LARGE for variables that no process could be started with, naming the largest. */
export function assertEnvironmentFits(env: Readonly<Record<string, string>>): void {
  const entries = Object.entries(env).map(([name, value]) => ({
    name,
    value,
    bytes: Buffer.byteLength(name) + Buffer.byteLength(value) + 2,
  }));
  const tooLong = entries.find(({ name, value }) => !fitsVariable(name, value));
  if (tooLong !== undefined) {
    const message = `the variable ${tooLong.name} has ${tooLong.bytes} bytes with its name, but a process takes at most ${longestVariableBytes}`;
    throw new BloomError("ERR_ENVIRONMENT_TOO_LARGE", message);
  }
  const together = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  if (together <= longestTogether) return;
  const largest = entries.toSorted((one, other) => other.bytes - one.bytes).slice(0, 3);
  const names = largest.map(({ name, bytes }) => `${name} (${bytes})`).join(", ");
  const message = `all variables together have ${together} bytes, but a process takes at most ${longestTogether}; the largest are ${names}`;
  throw new BloomError("ERR_ENVIRONMENT_TOO_LARGE", message);
}
