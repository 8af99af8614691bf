import { createHash } from "node:crypto";
import { readFeatures, type NginxFeatures } from "./nginx-modules.js";
import type { NginxPaths } from "./nginx-paths.js";
import { isAtLeast, planHttpHead, type NginxVersion } from "./plan-http.js";
import type { RoutingTable } from "./plan-routes.js";
import { planDefaultServer, planServer } from "./plan-server.js";
import { planStream, type StreamFacts } from "./plan-stream.js";
import type { ListenAddress } from "./plan-upstream.js";
import { quoteNginx } from "./quote-nginx.js";

export interface NginxFacts {
  readonly paths: NginxPaths;
  readonly listen: readonly ListenAddress[];
  readonly version: NginxVersion;
  /** Full paths of modules to load, of those that `findModules` has found. */
  readonly modules: readonly string[];
  /** Null: this nginx has nothing for raw TCP. */
  readonly stream: StreamFacts | null;
  /** Worker processes. */
  readonly workers: number;
  /** Only when the master is root, which ports below 1024 need: whom the workers become. */
  readonly workerUser: { readonly user: string; readonly group: string } | null;
}

/** Stands in the text where the number of the configuration goes; `openNginx` puts it in. */
export const generationMark = "@generation@";

/** The whole nginx.conf. The same routes give the same text, byte for byte. */
export function planNginx(routes: RoutingTable, facts: NginxFacts): string {
  const features = readFeatures(facts.modules);
  const head = [
    ...planHttpHead(facts, features, routes),
    ...planGenerationServer(facts.paths),
    ...planDefaultServer(facts.listen),
  ];
  const stream = planStream(routes, facts);
  return [
    "# Written by bloomd for every change of routes; edits are lost.",
    ...planMain(facts, stream.length > 0),
    "http {",
    ...head.map(indent),
    ...planServers(
      routes.filter((route) => route.hostNames.length > 0),
      facts,
      features,
    ),
    "}",
    ...stream,
    "",
  ].join("\n");
}

/** The texts of the last plan, by what they were made from. Most apps are as they were, and many make a long text. */
let remembered = new Map<string, string>();

function planServers(
  routes: RoutingTable,
  { listen, paths }: NginxFacts,
  features: NginxFeatures,
): readonly string[] {
  const texts = new Map<string, string>();
  for (const route of routes) {
    const key = createHash("sha256")
      .update(JSON.stringify([route, listen, paths, features]))
      .digest("base64");
    texts.set(
      key,
      remembered.get(key) ?? planServer(route, { listen, paths }, features).map(indent).join("\n"),
    );
  }
  remembered = texts;
  return [...texts.values()];
}

function indent(line: string): string {
  return `\t${line}`;
}

function planMain(
  { paths, version, modules, workers, workerUser }: NginxFacts,
  hasStreams: boolean,
): readonly string[] {
  return [
    ...modules.map((path) => `load_module ${quoteNginx(path)};`),
    "daemon off;",
    ...(workerUser === null ? [] : [`user ${quoteNginx(workerUser.user)} ${quoteNginx(workerUser.group)};`]),
    `worker_processes ${workers};`,
    `pid ${quoteNginx(paths.pidFile)};`,
    `error_log ${quoteNginx(paths.errorLog)} warn;`,
    // After a reload, old workers stay for connections that are still open, but not for ever. A raw TCP connection
    // lasts until it ends by itself or its release has drained, whatever is reloaded meanwhile.
    ...(!hasStreams && isAtLeast(version, [1, 11, 11]) ? ["worker_shutdown_timeout 1h;"] : []),
    "pcre_jit on;",
    // A connection that is passed on counts twice. They take memory from the start, whether used or not.
    `events { worker_connections ${hasStreams ? 32_768 : 16_384}; }`,
  ];
}

/** A private server that tells which configuration the answering worker has. */
function planGenerationServer(paths: NginxPaths): readonly string[] {
  return [
    "server {",
    `\tlisten ${quoteNginx(`unix:${paths.generationSocket}`)};`,
    "\taccess_log off;",
    "\tkeepalive_timeout 0;",
    `\tlocation = /generation { default_type text/plain; return 200 "${generationMark}"; }`,
    "}",
  ];
}
