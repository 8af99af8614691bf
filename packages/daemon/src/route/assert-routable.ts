import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { BloomError, type LocationConfig } from "@bloomery/contract";
import { installTls } from "./install-tls.js";
import { findComplaint } from "./nginx-config-file.js";
import { planNginxPaths } from "./nginx-paths.js";
import { planNginx } from "./plan-nginx.js";
import type { NginxProgram } from "./plan-nginx-spec.js";
import { planRoutes, type RouteTarget } from "./plan-routes.js";
import { prepareNginxFolders } from "./prepare-nginx-folders.js";
import { quoteNginx } from "./quote-nginx.js";
import { readPattern } from "./read-pattern.js";

/** The program, the modules it loads, and what it can do with raw TCP. */
export type CheckingNginx = Pick<NginxProgram, "binary" | "version"> & {
  readonly modules?: readonly string[];
  readonly stream?: { readonly tls: boolean } | null;
};

/** What nginx refuses of a location. */
export interface LocationProblem {
  readonly location: string;
  readonly pattern: string;
  readonly message: string;
}

/**
 * Lets nginx read what this target would add to its configuration, without touching the one that serves.
 * Throws ERR_MANIFEST_INVALID that names what nginx refuses: the location and the rule, or the file. Certificates are
 * files of the artifact; before there is one they are left out.
 */
export async function assertRoutable(
  nginx: CheckingNginx,
  target: RouteTarget,
  isBuilt = true,
): Promise<void> {
  if (target.function?.access.kind === "refused") throw refuseBearers();
  const problems = await checkLocations(nginx, target.locations);
  if (problems.length > 0) throw refuse(problems);
  await withFolder(async (folder) => {
    const paths = planNginxPaths(folder);
    const trial = isBuilt ? target : withoutTls(target);
    const { target: own, copies } = await installTls(trial, paths.tls, null);
    const config = planNginx(planRoutes([{ ...own, state: "running" }]), {
      paths,
      // In its own folder nobody else listens.
      listen: [{ address: `unix:${join(folder, "listen.sock")}`, port: 0 }],
      version: nginx.version,
      modules: nginx.modules ?? [],
      stream: nginx.stream ? { ...nginx.stream, addresses: [`unix:${folder}`] } : null,
      workers: 1,
      workerUser: null,
    });
    const complaint = await readConfig(nginx, folder, config);
    if (complaint === undefined) return;
    const words = complaint.replace(/ in \S+nginx\.conf:\d+$/, "");
    const what = [...copies].reduce((text, [copy, name]) => text.replaceAll(copy, name), words);
    const part = target.streams.length > 0 ? "ports" : "web.locations";
    throw new BloomError("ERR_MANIFEST_INVALID", `nginx refuses the app's ${part}: ${what}`);
  });
}

/** Lets nginx compile the expressions of all rules. */
export async function checkLocations(
  nginx: Pick<CheckingNginx, "binary">,
  locations: Readonly<Record<string, LocationConfig>>,
): Promise<readonly LocationProblem[]> {
  let rules = Object.entries(locations).flatMap(([location, { rules: own }]) =>
    own.map(({ pattern }) => ({ location, pattern })),
  );
  const problems: LocationProblem[] = [];
  if (rules.length === 0) return problems;
  return withFolder(async (folder) => {
    // nginx stops at the first it does not like.
    while (problems.length < mostProblems) {
      const complaint = await readConfig(nginx, folder, planPatterns(rules.map(({ pattern }) => pattern)));
      if (complaint === undefined) break;
      const at = Number(/:(\d+)$/.exec(complaint)?.[1] ?? Number.NaN) - firstLine;
      const rule = rules[at];
      const message = complaint.replace(/ in \S+:\d+$/, "");
      if (rule === undefined)
        throw new BloomError("ERR_INTERNAL", `nginx could not check the rules: ${message}`);
      problems.push({ ...rule, message: explain(message) });
      rules = rules.toSpliced(at, 1);
    }
    return problems;
  });
}

function withoutTls(target: RouteTarget): RouteTarget {
  return { ...target, streams: target.streams.map((stream) => ({ ...stream, tls: null })) };
}

const mostProblems = 20;
const firstLine = 5;

/** One expression a line, so that the line nginx names says which it is. */
function planPatterns(patterns: readonly string[]): string {
  return [
    "error_log stderr;",
    "pid /dev/null;",
    "events {}",
    "http { access_log off; map $uri $bloom_rule {",
    ...patterns.map((pattern) => {
      const { pattern: read } = readPattern(pattern);
      // `~*` would be the sign for any case.
      return `${quoteNginx(`~${read.startsWith("*") ? "(?#)" : ""}${read}`)} 1;`;
    }),
    "} }",
    "",
  ].join("\n");
}

/** `pcre2_compile() failed: missing closing parenthesis in "…" at "…"` without the names of functions. */
function explain(message: string): string {
  return message.replace(/^pcre2?_compile\(\) failed: /, "");
}

function refuseBearers(): BloomError {
  return new BloomError(
    "ERR_SYSTEM_PACKAGE_MISSING",
    "this nginx was built without http_auth_request, so it cannot check the bearer token a function needs",
    {
      hint: "Install an nginx that has it, as Debian's packages do, or let anyone call: --allow-unauthenticated.",
    },
  );
}

function refuse(problems: readonly LocationProblem[]): BloomError {
  const lines = problems.map(
    ({ location, pattern, message }) =>
      `the rule \`${pattern}\` of the location \`${location}\` is no regular expression nginx takes: ${message}`,
  );
  return new BloomError("ERR_MANIFEST_INVALID", lines.join("\n"), {
    hint: "Correct the expression. Only nginx itself can say this, so a deploy finds it and `bloom validate` does not.",
    details: { problems },
  });
}

/** What nginx says against a text; undefined when it would take it. */
async function readConfig(
  { binary }: Pick<CheckingNginx, "binary">,
  folder: string,
  text: string,
): Promise<string | undefined> {
  const file = join(folder, "nginx.conf");
  await writeFile(file, text);
  const result = await execa(binary, ["-t", "-p", `${folder}/`, "-c", file], {
    reject: false,
    stdin: "ignore",
    timeout: 60_000,
  });
  if (!result.failed) return undefined;
  if (result.code === "ENOENT")
    throw new BloomError("ERR_SYSTEM_PACKAGE_MISSING", `nginx is not at ${binary}`);
  return findComplaint(result.stderr) ?? result.shortMessage ?? "no reason given";
}

async function withFolder<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bloom-nginx-check-"));
  try {
    await prepareNginxFolders(planNginxPaths(folder), null);
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
