/** What a request asks for, as nginx reads it. */
export interface RequestPath {
  /** Null when only a path is given. */
  readonly host: string | null;
  /** Decoded, with single slashes and without dots; null when it is no path or climbs out. */
  readonly path: string | null;
  readonly query: string;
}

export function parseRequestPath(url: string): RequestPath {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)(?::\d*)?(.*)$/is.exec(url);
  const host = absolute?.[1]?.toLowerCase() ?? null;
  const rest = (absolute?.[2] ?? url).replace(/#.*$/s, "");
  const at = rest.indexOf("?");
  const path = at < 0 ? rest : rest.slice(0, at);
  return {
    host,
    path: normalize(path === "" || path.startsWith("?") ? `/${path}` : path),
    query: at < 0 ? "" : rest.slice(at + 1),
  };
}

function normalize(path: string): string | null {
  if (!path.startsWith("/") || /%(?![0-9a-f]{2})|%00/i.test(path)) return null;
  const decoded = Buffer.from(
    path.replace(/%([0-9a-f]{2})|[^%]+/gi, (text, hex?: string) =>
      hex === undefined
        ? Buffer.from(text).toString("latin1")
        : String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    "latin1",
  ).toString();
  const steps: string[] = [];
  const parts = decoded.split("/").slice(1);
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    if (part === "..") {
      if (steps.pop() === undefined) return null;
    } else if (part !== "." && part !== "") steps.push(part);
    // A last dot or nothing stands for the folder itself.
    if (isLast && ["", ".", ".."].includes(part) && steps.length > 0) steps.push("");
  }
  return `/${steps.join("/")}`;
}
