import { asTable, type TomlTable } from "../toml-table.js";
import { describeWish, featuresOf, listDependencies, type WrittenDependency } from "./dependency-tables.js";
import type { ManifestEdit, TomlValue } from "./edit-manifest.js";
import { acceptsVersion } from "./accepts-version.js";
import { toCrate, type WantedDependency } from "./parse-dependency.js";

/** The SDK that this platform builds functions with. */
export interface BundledSdk {
  /** Folder of the crate `ignite` as the build sees it. */
  readonly path: string;
  readonly version: string;
}

export interface DependencyPlan {
  readonly edits: readonly ManifestEdit[];
  /** What was done, one sentence each. */
  readonly notes: readonly string[];
  /** What must be written otherwise; `path` leads to the place. */
  readonly problems: readonly { readonly path: readonly string[]; readonly message: string }[];
}

/**
 * Crates that every function can use without a word in Cargo.toml. Their requirements are the SDK's own, and tokio's
 * features need no crate that the SDK does not need: so the compiled dependencies that apps share fit.
 */
export const defaultCrates: readonly (WantedDependency & { readonly version: string })[] = [
  { name: "serde", version: "1", features: ["derive"] },
  { name: "serde_json", version: "1", features: [] },
  {
    name: "tokio",
    version: "1",
    features: ["fs", "io-util", "macros", "net", "rt-multi-thread", "sync", "time"],
  },
];

/** What the dependencies of the function's own package become. */
export function planDependencies(
  manifest: TomlTable,
  sdk: BundledSdk,
  wanted: readonly WantedDependency[],
): DependencyPlan {
  const written = listDependencies(manifest);
  const steps = [
    planSdk(written, sdk, true),
    ...wanted.map((one) => planWanted(written, one)),
    ...defaultCrates
      .filter(({ name }) => !wanted.some((one) => toCrate(one.name) === name))
      .map((one) => planDefault(written, one, asTable(manifest["workspace"])["dependencies"] !== undefined)),
  ];
  return join(steps);
}

/** Of another package of the same project only the SDK is replaced. */
export function planMemberSdk(manifest: TomlTable, sdk: BundledSdk): DependencyPlan {
  return planSdk(listDependencies(manifest), sdk, false);
}

function planSdk(written: readonly WrittenDependency[], sdk: BundledSdk, isNeeded: boolean): DependencyPlan {
  const found = written.filter(({ key, crate }) => key === "ignite" || crate === "ignite");
  const plans = found.map((one) => replaceSdk(one, sdk));
  if (!isNeeded || found.some(({ isOwn }) => isOwn)) return join(plans);
  const added: DependencyPlan = {
    edits: [{ path: ["dependencies", "ignite"], value: { path: sdk.path } }],
    notes: [`added ignite ${sdk.version} (the platform's)`],
    problems: [],
  };
  return join([added, ...plans]);
}

/** Whatever was asked for, it is the platform's SDK: it speaks with the platform. */
function replaceSdk(one: WrittenDependency, sdk: BundledSdk): DependencyPlan {
  const { path, key, crate, table } = one;
  const refuse = (message: string): DependencyPlan => ({
    edits: [],
    notes: [],
    problems: [{ path, message }],
  });
  if (key !== crate) {
    return refuse(
      `the crate ${crate} goes by the name ${key}; #[ignite::main] needs ignite under its own name`,
    );
  }
  const version = table["version"];
  const isPlaced = table["path"] !== undefined || table["git"] !== undefined;
  if (typeof version === "string" && !isPlaced && !acceptsVersion(version, sdk.version)) {
    return refuse(
      `ignite "${version}" is asked for and this platform brings ${sdk.version}; write ignite = "*"`,
    );
  }
  const kept = ["default-features", "optional"].filter((name) => typeof table[name] === "boolean");
  const features = featuresOf(table);
  const value: TomlValue = {
    path: sdk.path,
    ...(features.length === 0 ? {} : { features }),
    ...Object.fromEntries(kept.map((name) => [name, table[name] === true])),
  };
  const notes = one.isOwn ? [`took ignite ${sdk.version} (the platform's) for ${describeWish(one)}`] : [];
  return { edits: [{ path, value }], notes, problems: [] };
}

/** A crate asked for beside the manifest. Where the manifest has it already, only features can be added. */
function planWanted(written: readonly WrittenDependency[], wish: WantedDependency): DependencyPlan {
  const found = written.find(({ crate, isOwn }) => isOwn && toCrate(crate) === toCrate(wish.name));
  if (found === undefined) return addCrate(wish);
  const { path, table } = found;
  if (wish.version !== null && wish.version !== table["version"]) {
    const message = `${wish.name} is ${describeWish(found)} here and ${wish.version} in --dependency; change one of them`;
    return { edits: [], notes: [], problems: [{ path, message }] };
  }
  const present = featuresOf(table);
  const more = wish.features.filter((feature) => !present.includes(feature));
  if (more.length === 0) return nothing;
  const value = { ...(table as { [key: string]: TomlValue }), features: [...present, ...more] };
  return { edits: [{ path, value }], notes: [`added to ${wish.name}: ${more.join(", ")}`], problems: [] };
}

/** A default crate that is not there, or that a workspace would name that is not part of the code. */
function planDefault(
  written: readonly WrittenDependency[],
  crate: WantedDependency & { readonly version: string },
  hasWorkspace: boolean,
): DependencyPlan {
  const found = written.find((one) => one.isOwn && toCrate(one.crate) === crate.name);
  if (found === undefined) return addCrate(crate);
  if (found.table["workspace"] !== true || hasWorkspace) return nothing;
  const features = [...new Set([...crate.features, ...featuresOf(found.table)])];
  const { notes, edits } = addCrate({ ...crate, features });
  return {
    edits: edits.map((edit) => ({ ...edit, path: found.path })),
    notes: notes.map((note) => `${note} for { workspace = true }`),
    problems: [],
  };
}

function addCrate({ name, version, features }: WantedDependency): DependencyPlan {
  const value = { version: version ?? "*", ...(features.length === 0 ? {} : { features: [...features] }) };
  const more = features.length === 0 ? "" : ` (${features.join(", ")})`;
  return {
    edits: [{ path: ["dependencies", name], value }],
    notes: [`added ${name} ${version ?? "*"}${more}`],
    problems: [],
  };
}

const nothing: DependencyPlan = { edits: [], notes: [], problems: [] };

function join(plans: readonly DependencyPlan[]): DependencyPlan {
  return {
    edits: plans.flatMap(({ edits }) => edits),
    notes: plans.flatMap(({ notes }) => notes),
    problems: plans.flatMap(({ problems }) => problems),
  };
}
