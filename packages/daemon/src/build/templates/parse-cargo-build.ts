import type { CargoConfig } from "@bloomery/contract";

/** What a `cargo build` was asked for, as far as it decides which dependencies are compiled and how. */
export interface CargoBuild {
  readonly profile: string;
  readonly target: string | null;
  /** Features and packages, ready to be given to cargo again. */
  readonly selection: readonly string[];
}

/** Flags with a value that take part in the selection. */
const selecting = new Map([
  ["--features", "--features"],
  ["-F", "--features"],
  ["--package", "--package"],
  ["-p", "--package"],
  ["--bin", "--bin"],
  ["--exclude", "--exclude"],
]);
const selectingAlone = new Set([
  "--all-features",
  "--no-default-features",
  "--workspace",
  "--all",
  "--bins",
  "--lib",
]);
/** They change what cargo says or how fast it works, never what it makes. */
const harmlessAlone = new Set([
  "--locked",
  "--offline",
  "--frozen",
  "-q",
  "--quiet",
  "-v",
  "--verbose",
  "-vv",
]);
const harmless = new Set(["-j", "--jobs", "--color", "--message-format"]);

/** A target folder that is a mount can be neither removed nor moved, and hard links do not lead out of it. */
const unsuited = [
  /\b(?:rm|rmdir|mv)\s[^\n;&|]*\btarget\/?(?:["'\s;&|]|$)/,
  /\bln\s+(?!-\w*s)[^\n;&|]*\btarget\b/,
  /\bcargo\s+clean\b/,
];

/**
 * Finds the one `cargo build` that a build hook begins with; null whenever the hook does anything that could give
 * cargo another folder, another environment or other flags than are written there. A guess: whoever uses it loses
 * time when it is wrong, never more.
 */
export function parseCargoBuild(hook: string): CargoBuild | null {
  if (unsuited.some((words) => words.test(hook))) return null;
  for (const line of hook.split(/\n|&&|;/)) {
    const text = line.trim();
    if (text === "" || text.startsWith("#") || /^set\s+[-+a-z\s]+$/.test(text)) continue;
    if (/^(?:echo|rustc|cargo)\s+(?:--version|-V)$/.test(text) || /^(?:echo|printf)\s/.test(text)) continue;
    return /^cargo\s+(?:build|b)(?:\s|$)/.test(text) ? parseArguments(text) : null;
  }
  return null;
}

/** The same from the settings of a plain cargo build. */
export function cargoBuildOf(cargo: CargoConfig): CargoBuild {
  return {
    profile: cargo.profile,
    target: cargo.target,
    selection: [
      ...(cargo.features.length === 0 ? [] : [`--features=${cargo.features.join(",")}`]),
      ...(cargo.package === null ? [] : [`--package=${cargo.package}`]),
      ...(cargo.bin === null ? [] : [`--bin=${cargo.bin}`]),
    ],
  };
}

/** The arguments after `cargo build`. */
export function formatCargoBuild({ profile, target, selection }: CargoBuild): string[] {
  const chosen = profile === "release" ? ["--release"] : profile === "dev" ? [] : [`--profile=${profile}`];
  return [...chosen, ...selection, ...(target === null ? [] : [`--target=${target}`])];
}

function parseArguments(text: string): CargoBuild | null {
  // Whatever the shell would change.
  if (/[^A-Za-z0-9_\s=,./:+@-]/.test(text)) return null;
  const words = text.split(/\s+/).slice(2);
  const found = { profile: "dev", target: null as string | null, selection: [] as string[] };
  while (words.length > 0) {
    const word = words.shift() ?? "";
    const equals = word.startsWith("--") ? word.indexOf("=") : -1;
    const flag = equals === -1 ? word : word.slice(0, equals);
    const takesValue =
      selecting.has(flag) || harmless.has(flag) || flag === "--profile" || flag === "--target";
    const value = !takesValue ? undefined : equals === -1 ? words.shift() : word.slice(equals + 1);
    if (takesValue ? value === undefined || value === "" : equals !== -1) return null;
    if (flag === "--release" || flag === "-r") found.profile = "release";
    else if (flag === "--profile") found.profile = value ?? "dev";
    else if (flag === "--target") found.target = value ?? null;
    else if (selecting.has(flag)) found.selection.push(`${selecting.get(flag) ?? flag}=${value ?? ""}`);
    else if (selectingAlone.has(flag)) found.selection.push(flag);
    else if (!harmlessAlone.has(flag) && !harmless.has(flag)) return null;
  }
  return found;
}
