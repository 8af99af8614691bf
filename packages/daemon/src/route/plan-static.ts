import type { Behaviour } from "./behaviour.js";
import type { NginxFeatures } from "./nginx-modules.js";
import { quoteNginx, quoteNginxValue } from "./quote-nginx.js";

/** What is compressed on the way; text/html is always among them. */
const compressed = [
  "application/javascript",
  "application/json",
  "application/pdf",
  "application/postscript",
  "application/xml",
  "image/svg+xml",
  "text/css",
  "text/csv",
  "text/javascript",
  "text/plain",
  "text/xml",
].join(" ");

/** For the http block: compression as it is where a location asks for it, and files that are compressed already. */
export function planCompression({ brotli, brotliStatic }: NginxFeatures): readonly string[] {
  return [
    "gzip_static on;",
    "gzip_vary on;",
    "gzip_proxied any;",
    "gzip_min_length 256;",
    "gzip_comp_level 5;",
    `gzip_types ${compressed};`,
    ...(brotliStatic ? ["brotli_static on;"] : []),
    ...(brotli ? ["brotli_min_length 256;", "brotli_comp_level 4;", `brotli_types ${compressed};`] : []),
  ];
}

/**
 * For the http block: files are looked for once and kept open. A release is named by its content and never changes, so
 * that neither a file nor its absence can be out of date; what can change says so where it is served.
 */
export const fileCache: readonly string[] = [
  "open_file_cache max=4096 inactive=60s;",
  "open_file_cache_valid 60s;",
  "open_file_cache_errors on;",
];

/** What the answer with a file has besides the file. */
export function planStaticAnswer(behaviour: Behaviour, features: NginxFeatures): readonly string[] {
  const headers = Object.entries(behaviour.headers);
  const find = (name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  const type = find("content-type");
  const isCached = find("cache-control") !== undefined || find("expires") !== undefined;
  return [
    ...(isCached ? [] : [`expires ${behaviour.expiresSeconds};`]),
    ...(type === undefined ? [] : ["types { }", `default_type ${quoteNginx(type)};`]),
    ...headers.filter(([name]) => name.toLowerCase() !== "content-type").flatMap(planHeader),
    // What must not be kept may hold secrets, and compressing those beside a client's text gives them away.
    ...(mayBeKept(behaviour.expiresSeconds, find("cache-control"))
      ? ["gzip on;", ...(features.brotli ? ["brotli on;"] : [])]
      : []),
  ];
}

function planHeader([name, value]: readonly [string, string]): readonly string[] {
  // A page may send credentials only to an answer that names it.
  if (name.toLowerCase() === "access-control-allow-origin" && value.trim() === "*") {
    return [`add_header ${quoteNginx(name)} $bloom_origin;`, "add_header Vary Origin;"];
  }
  return [`add_header ${quoteNginx(name)} ${quoteNginxValue(value)};`];
}

/** Whether the answer says that it stays good for a while. */
function mayBeKept(expiresSeconds: number, cacheControl: string | undefined): boolean {
  if (cacheControl === undefined) return expiresSeconds > 0;
  return /(?:^|[\s,])(?:s-maxage|max-age)\s*=\s*"?0*[1-9]/i.test(cacheControl);
}
