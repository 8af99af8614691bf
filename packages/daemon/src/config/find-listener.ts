import type { AppFolder } from "./app-folder.js";
import { loadCargoPackage, type CargoPackage, type CargoProject } from "./cargo-project.js";
import { httpCrates } from "./http-crates.js";

/** Where a program opens its port. */
interface FoundListener {
  /** Below the app's folder. */
  readonly file: string;
  /** As it is written, `127.0.0.1:7878`; null when it is made up at run time. */
  readonly address: string | null;
}

/** A project with more is not read, and then nothing is said of it. */
const mostSources = 300;
const mostPackages = 50;

/** Strings and characters, which may look like comments; comments; and what stands only in tests. None of it can take long. */
const notCode =
  /\bb?r(#*)"[^]*?(?:"\1|$)|"[^"\\]*(?:\\[^][^"\\]*)*(?:"|$)|'(?:[^'\\\n]|\\[^])'|(\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|#\s*\[\s*cfg\s*\(\s*test\s*\)\s*\](?:[^;{]*;|[^]*$))/g;

/** `TcpListener::bind` of std, tokio, async-std, smol and mio, with its address when it stands there. */
const bind = /\bTcpListener\s*::\s*bind\s*\(\s*(?:&?\s*"([^"\n]*)"|\(\s*"([^"\n]*)"\s*,\s*(\d+)\s*\))?/g;
const tcpSocket = /\bTcpSocket\b/;
const listen = /\.\s*listen\s*\(/;

/** Who hands the listener to a library leaves it to that library what is spoken. */
const accept = /\b(?:poll_accept|accept|into_incoming|incoming)\s*\(|\bTcpListenerStream\b/;

/** HTTP by hand, and the variable that only apps behind the proxy are told, perhaps by an option's own name. */
const speaksHttp = /[Hh][Tt][Tt][Pp]\/\d|"PORT"|#\[(?:arg|clap)\([^\]\n]{0,200}\benv\s*[,)]/;

/** What an address looks like; others are not repeated. */
const plainAddress = /^[\w.:[\]-]{1,100}$/;

/**
 * Where a project's own code listens for TCP connections, accepts them itself and speaks no HTTP; null
 * when there is none, or any doubt.
 */
export function findListener(files: AppFolder, cargo: CargoProject): FoundListener | null {
  const packages = listOwnPackages(files, cargo);
  if (packages === null || packages.some(needsHttp)) return null;
  const paths = files.list().filter((path) => packages.some((own) => isSourceOf(own, path)));
  if (paths.length > mostSources) return null;
  const sources = paths.map((path) => ({ path, text: files.read(path) ?? "" }));
  if (sources.some(({ text }) => speaksHttp.test(text))) return null;
  const code = sources.map(({ path, text }) => ({ path, text: withoutComments(text) }));
  if (!code.some(({ text }) => accept.test(text))) return null;
  for (const { path, text } of code) {
    const found = findBind(text);
    if (found !== null) return { file: path, ...found };
  }
  return null;
}

/** The packages of the workspace, and those below the folder that they are made with. Null when there are too many. */
function listOwnPackages(files: AppFolder, { root, members }: CargoProject): CargoPackage[] | null {
  const packages = [...(root === null ? [] : [root]), ...members];
  const known = new Set(packages.map(({ folder }) => folder.replace(/\/$/, "")));
  // The list grows while it is walked through.
  for (const { dependencies } of packages) {
    if (packages.length > mostPackages) return null;
    for (const { folder } of dependencies) {
      if (folder === null || known.has(folder)) continue;
      known.add(folder);
      const more = loadCargoPackage(files, folder);
      if (more !== null) packages.push(more);
    }
  }
  return packages;
}

function needsHttp({ dependencies }: CargoPackage): boolean {
  return dependencies.some(({ name }) => httpCrates.has(name.replaceAll("_", "-")));
}

function isSourceOf({ folder, binPaths }: CargoPackage, path: string): boolean {
  if (!path.endsWith(".rs") || !path.startsWith(folder)) return false;
  const below = path.slice(folder.length);
  return below.startsWith("src/") || binPaths.includes(below);
}

function withoutComments(text: string): string {
  return text.replace(notCode, (whole: string, _hashes, comment: string | undefined) =>
    comment === undefined ? whole : " ",
  );
}

function findBind(text: string): Pick<FoundListener, "address"> | null {
  for (const found of text.matchAll(bind)) {
    const [, whole, host, port] = found;
    const address = whole ?? `${host ?? ""}:${port ?? ""}`;
    // Any free port: nobody could connect to it from outside.
    if (address.endsWith(":0")) continue;
    const isKnown = address !== ":" && plainAddress.test(address);
    return { address: isKnown ? address : null };
  }
  return tcpSocket.test(text) && listen.test(text) ? { address: null } : null;
}
