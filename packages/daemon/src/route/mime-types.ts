/** Media types of static files. Our own list: where nginx keeps its one differs between distributions. */
const mimeTypes: Readonly<Record<string, string>> = {
  "application/javascript": "js mjs",
  "application/json": "json map webmanifest",
  "application/pdf": "pdf",
  "application/wasm": "wasm",
  "application/xml": "xml xsl",
  "application/zip": "zip",
  "application/gzip": "gz",
  "audio/mpeg": "mp3",
  "audio/ogg": "ogg oga",
  "audio/wav": "wav",
  "font/otf": "otf",
  "font/ttf": "ttf",
  "font/woff": "woff",
  "font/woff2": "woff2",
  "image/avif": "avif",
  "image/gif": "gif",
  "image/jpeg": "jpg jpeg",
  "image/png": "png",
  "image/svg+xml": "svg",
  "image/webp": "webp",
  "image/x-icon": "ico",
  "text/css": "css",
  "text/csv": "csv",
  "text/html": "html htm",
  "text/markdown": "md",
  "text/plain": "txt text log",
  "video/mp4": "mp4 m4v",
  "video/webm": "webm",
};

export function planMimeTypes(): readonly string[] {
  return ["types {", ...Object.entries(mimeTypes).map(([type, endings]) => `\t${type} ${endings};`), "}"];
}
