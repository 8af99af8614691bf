import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { completeLocation, type LocationConfig, type RouteExplanation } from "@bloomery/contract";
import type { Call } from "../call.js";

/** One row: these locations, this request, this answer. */
export interface Case {
  readonly name: string;
  readonly locations: Readonly<Record<string, LocationConfig>>;
  readonly request: Call;
  readonly outcome: RouteExplanation["outcome"];
  readonly status: number;
  /** Of a file, or the request line the app has seen. */
  readonly body?: string;
  /** Null: must not be there. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
}

export const place = (wish: Partial<LocationConfig>): LocationConfig => completeLocation(wish);

/** A case in one line. */
export function row(
  name: string,
  locations: Readonly<Record<string, Partial<LocationConfig>>>,
  request: string | Call,
  [outcome, status, body]: readonly [RouteExplanation["outcome"], number, string?],
  headers?: Case["headers"],
): Case {
  const [method, path] = typeof request === "string" ? request.split(" ") : [];
  return {
    name,
    locations: Object.fromEntries(Object.entries(locations).map(([key, one]) => [key, place(one)])),
    request: typeof request === "string" ? { method: method ?? "GET", path: path ?? "/" } : request,
    outcome,
    status,
    ...(body === undefined ? {} : { body }),
    ...(headers === undefined ? {} : { headers }),
  };
}

export const long = "body { color: red }\n".repeat(100);

/** The tree all cases look at. */
export async function writeTree(artifact: string, mount: string): Promise<void> {
  const files: Record<string, string | Buffer> = {
    "public/a.css": "css",
    "public/index.html": "home",
    "public/page.html": "page",
    "public/dir/index.html": "dir index",
    "public/dir/b.txt": "b",
    "public/bare/x.txt": "x",
    "public/second/other.htm": "other",
    "public/.hidden": "dot",
    "public/.htaccess": "Deny from all",
    "public/with space.html": "space",
    "public/images/i.svg": "svg",
    "public/no-ending": "plain",
    "public/long.css": long,
    "public/long.png": long,
    "public/pre.bin": "uncompressed",
    "public/pre.bin.gz": gzipSync("compressed"),
    "static/s.txt": "s",
    "secret.txt": "secret",
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(artifact, path)), { recursive: true });
    await writeFile(join(artifact, path), content);
  }
  await mkdir(join(mount, "sub"), { recursive: true });
  await writeFile(join(mount, "u.txt"), "u");
  await writeFile(join(mount, "sub/index.html"), "sub index");
  await symlink(join(artifact, "secret.txt"), join(mount, "link.txt"));
  await symlink(artifact, join(mount, "folder"));
}
