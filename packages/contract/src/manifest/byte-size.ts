const units: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1000,
  kb: 1000,
  ki: 1024,
  kib: 1024,
  m: 1000 ** 2,
  mb: 1000 ** 2,
  mi: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1000 ** 3,
  gi: 1024 ** 3,
  gib: 1024 ** 3,
};

/**
 * `512MB`, `512M` (10^6 bytes each), `1GiB` (2^30 bytes), `1.5G`, or a number of bytes. Whole bytes; null when the
 * text has another form.
 */
export function parseByteSize(size: string | number): number | null {
  if (typeof size === "number") return Number.isSafeInteger(size) && size >= 0 ? size : null;
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]{0,3})$/.exec(size.trim());
  const unit = units[match?.[2]?.toLowerCase() ?? "none"];
  if (match === null || unit === undefined) return null;
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/**
 * A size in the words of nginx, in which `250m` are 250 × 2^20 bytes; the two-letter units are those of
 * `parseByteSize`.
 */
export function parseProxySize(size: string | number): number | null {
  if (typeof size === "number") return parseByteSize(size);
  const match = /^(\d{1,12})([kmg])$/i.exec(size.trim());
  const power = ["k", "m", "g"].indexOf(match?.[2]?.toLowerCase() ?? "") + 1;
  return match === null ? parseByteSize(size) : parseByteSize(Number(match[1]) * 1024 ** power);
}
