/** Names that are about the message itself or one connection; the proxy writes them. */
const ownedByProxy: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-range",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Bytes; nginx takes no longer words. */
const longestValue = 2000;
const longestName = 200;

/** Why a response header cannot be set; null when it can. Control characters have been refused before. */
export function findHeaderProblem(name: string, value: string): string | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    return 'a header\'s name has letters, digits and hyphens; write one such as "X-Frame-Options"';
  if (name.length > longestName)
    return `a header's name may have at most ${longestName} characters; write a shorter one`;
  if (ownedByProxy.has(name.toLowerCase()))
    return `the header ${name} is about the connection or the message itself and is written by the proxy; remove it`;
  return Buffer.byteLength(value) > longestValue
    ? `a header's value may have at most ${longestValue} bytes; write a shorter one`
    : null;
}
