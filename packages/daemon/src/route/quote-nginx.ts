import { BloomError } from "@bloomery/contract";

/** nginx reads its configuration through a buffer of 4096 bytes; no single word may be longer. */
const longestWord = 3900;

/**
 * Any text as one word of an nginx configuration, for places where nginx expands no variables (server names,
 * upstream addresses, the pattern side of a map). Throws ERR_INTERNAL for what no quoting can carry.
 */
export function quoteNginx(text: string): string {
  if (text.includes("\0") || Buffer.byteLength(text) > longestWord) {
    throw new BloomError(
      "ERR_INTERNAL",
      `nginx cannot hold a word of ${Buffer.byteLength(text)} bytes or with a zero byte`,
    );
  }
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

/**
 * The same for places where nginx expands variables (alias, set, return, add_header). There is no way to
 * escape `$` in nginx; a variable that holds one stands for it. `dollarVariable` must be in the http block.
 */
export function quoteNginxValue(text: string): string {
  return quoteNginx(text).replaceAll("$", "${bloom_dollar}");
}

/** geo is the one directive that can give a variable the value `$`. */
export const dollarVariable = 'geo $bloom_dollar { default "$"; }';
