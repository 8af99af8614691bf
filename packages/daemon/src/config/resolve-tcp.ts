import {
  tcpPortDefaults as defaults,
  type BloomToml,
  type ManifestPath,
  type Problem,
  type TcpConfig,
  type TcpPortConfig,
} from "@bloomery/contract";
import { normalizePath } from "./app-folder.js";
import { manifestProblem } from "./manifest-file.js";
import { parseNetwork } from "./parse-network.js";
import type { ProjectParts } from "./parts.js";
import { suggestNear } from "./suggest-near.js";

interface Resolved {
  readonly tcp: TcpConfig;
  readonly problems: readonly Problem[];
}

type WrittenPort = NonNullable<BloomToml["tcp"]>[number];

/** `[[tcp]]`: through which ports clients reach the app. `hook` may make files that are not in the source. */
export function resolveTcp(parts: ProjectParts, hook: string | null): Resolved {
  const written = parts.toml.data.tcp ?? [];
  const drainSeconds = parts.toml.data.run?.drain_seconds ?? defaults.drainSeconds;
  const ports = written.flatMap((one) =>
    one.port === undefined ? [] : [fillIn(one, one.port, drainSeconds)],
  );
  const problems = written.flatMap((one, at) => [
    ...checkPort(parts, at),
    ...checkAllow(parts, one, at),
    ...checkTls(parts, one, at, hook),
  ]);
  return { tcp: { ports }, problems };
}

function fillIn(one: WrittenPort, port: number, drainSeconds: number): TcpPortConfig {
  const { certificate = "", key = "" } = one.tls ?? {};
  return {
    port,
    targetPort: one.target_port ?? port,
    proxyProtocol: one.proxy_protocol ?? defaults.proxyProtocol,
    tls:
      one.tls === undefined
        ? defaults.tls
        : { certificate: normalizePath(certificate) ?? "", key: normalizePath(key) ?? "" },
    allow: one.allow ?? defaults.allow,
    maxConnections: one.max_connections ?? defaults.maxConnections,
    maxConnectionsPerAddress: one.max_connections_per_address ?? defaults.maxConnectionsPerAddress,
    idleSeconds: one.idle_seconds ?? defaults.idleSeconds,
    drainSeconds: one.drain_seconds ?? drainSeconds,
    goodbye: one.goodbye === undefined || one.goodbye === "" ? defaults.goodbye : one.goodbye,
  };
}

/** Against those written before it. */
function checkPort({ toml }: ProjectParts, at: number): Problem[] {
  const all = toml.data.tcp ?? [];
  const own = all[at] ?? {};
  if (own.port === undefined)
    return [manifestProblem(toml, "error", ["tcp", at], "the port is missing; write `port = 7878`", "key")];
  const twin = all.findIndex(({ port }) => port === own.port);
  if (twin < at) {
    const { line } = toml.source.places.find(["tcp", twin, "port"], "value");
    const message = `port ${own.port} is written twice, first on line ${line}; write another port, or keep one of the two`;
    return [manifestProblem(toml, "error", ["tcp", at, "port"], message)];
  }
  const target = targetOf(own);
  const first = all.findIndex((one) => targetOf(one) === target);
  const said = all[first]?.proxy_protocol;
  if (first === at || said === own.proxy_protocol) return [];
  const how = said === undefined ? "without the PROXY protocol" : `by the PROXY protocol ${said}`;
  const advice = said === undefined ? "remove it here" : `write proxy_protocol = "${said}" here`;
  const message = `the app listens on port ${target} once, and [[tcp]] number ${first + 1} speaks to it ${how}; ${advice}, or write another target_port`;
  const key = own.proxy_protocol === undefined ? "port" : "proxy_protocol";
  return [manifestProblem(toml, "error", ["tcp", at, key], message, "key")];
}

function targetOf({ port, target_port: target }: WrittenPort): number | undefined {
  return target ?? port;
}

function checkAllow({ toml }: ProjectParts, { allow = [] }: WrittenPort, at: number): Problem[] {
  return allow.flatMap((text, index) => {
    const found = parseNetwork(text);
    if (!("wrong" in found)) return [];
    return [manifestProblem(toml, "error", ["tcp", at, "allow", index], found.wrong)];
  });
}

function checkTls(parts: ProjectParts, { tls }: WrittenPort, at: number, hook: string | null): Problem[] {
  if (tls === undefined) return [];
  return (["certificate", "key"] as const).flatMap((name) => {
    const written = tls[name];
    const message =
      written === undefined
        ? `the ${name === "key" ? "private key" : "certificate"} is missing; write \`${name} = "tls/server.${name === "key" ? "key" : "crt"}"\``
        : findFileProblem(parts, written, hook);
    const path: ManifestPath = ["tcp", at, "tls", ...(written === undefined ? [] : [name])];
    if (message === null) return [];
    return [manifestProblem(parts.toml, "error", path, message, written === undefined ? "key" : "value")];
  });
}

/** What a build script makes is seen after the build. */
function findFileProblem({ folder }: ProjectParts, written: string, hook: string | null): string | null {
  const path = written.startsWith("/") ? null : normalizePath(written);
  if (path === null || path === "") return "the file must lie in the app's folder; write its path from there";
  const paths = folder.list();
  if (hook !== null || paths.includes(path)) return null;
  const near = suggestNear(path, paths);
  const advice = near === undefined ? "write the path of one" : `did you mean "${near}"?`;
  return `there is no file ${JSON.stringify(path)} in the app's folder; ${advice}`;
}
