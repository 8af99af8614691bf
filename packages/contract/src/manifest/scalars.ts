import { z } from "zod";
import { parseByteSize } from "./byte-size.js";
import { manifestLimits } from "./defaults.js";

/** One line of text without control characters, not empty. */
// oxlint-disable-next-line no-control-regex -- these are what must not get into nginx text and argument lists
export const lineText = z.string().regex(/^[^\u0000-\u001f\u007f]+$/);

/** A script: several lines, anything but NUL, which no argument list can carry. */
// oxlint-disable-next-line no-control-regex -- NUL is what is looked for
export const scriptText = z.string().regex(/^[^\u0000]*$/);

/** A command to start: like a script, but something must be there. */
// oxlint-disable-next-line no-control-regex -- NUL is what is looked for
export const commandText = z.string().regex(/^(?=[^]*\S)[^\u0000]+$/);

/** A word that becomes one argument of cargo: never read as an option. */
export const cargoWord = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.+:/-]*$/);

/** A channel as rustup writes it. */
export const toolchainChannel = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);

export const seconds = intWithin(manifestLimits.seconds);
export const portNumber = intWithin(manifestLimits.port);

/** `"512MB"` or a number of bytes, within the limits for memory. */
export const memorySize = sizeWithin(manifestLimits.memoryBytes);

/** The same within the limits for a request's body. */
export const bodySize = sizeWithin(manifestLimits.bodyBytes);

/** The same within the limits for /tmp. */
export const tmpSize = sizeWithin(manifestLimits.tmpBytes);

/** Whole numbers from `min` to `max`. */
export function intWithin(range: { readonly min: number; readonly max: number }) {
  return z.number().int().min(range.min).max(range.max);
}

/** `"512MB"` or a number of bytes, from `min` to `max` bytes. */
function sizeWithin({ min, max }: { readonly min: number; readonly max: number }) {
  const isRight = (size: string | number): boolean => {
    const bytes = parseByteSize(size);
    return bytes !== null && bytes >= min && bytes <= max;
  };
  return z.union([z.string().refine(isRight), z.number().refine(isRight)]);
}
