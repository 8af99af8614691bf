import { BloomError } from "@bloomery/contract";

/** A crate to add to a function's dependencies. */
export interface WantedDependency {
  readonly name: string;
  /** A requirement as in Cargo.toml; null: none was given. */
  readonly version: string | null;
  readonly features: readonly string[];
}

const form = /^(?<name>[^@+]+)(?:@(?<version>[^+]*))?(?:\+(?<features>.*))?$/s;
const crateName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const part = String.raw`(?:[\^~=]|[<>]=?)?\s*\d+(?:\.\d+){0,2}(?:\.\*|-[0-9A-Za-z.-]+)?`;
const requirement = new RegExp(String.raw`^(?:\*|${part}(?:\s*,\s*${part})*)$`);
const featureName = /^[A-Za-z0-9_][A-Za-z0-9_+.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_+.-]*)?$/;

/** Reads `name[@version][+feature,feature]`. Throws ERR_INVALID_ARGUMENT naming the part that is wrong. */
export function parseDependency(text: string): WantedDependency {
  const { name = "", version, features } = form.exec(text)?.groups ?? {};
  const refuse = (what: string): never => {
    throw new BloomError("ERR_INVALID_ARGUMENT", `--dependency ${JSON.stringify(text)}: ${what}`, {
      hint: "Write name, name@version or name@version+feature,feature, as in `uuid@1+v4`.",
    });
  };
  if (!crateName.test(name)) refuse("that is not the name of a crate");
  if (name.toLowerCase() === "ignite") refuse("the platform brings it");
  if (version !== undefined && !requirement.test(version)) refuse(`"${version}" is not a version`);
  const list = features === undefined ? [] : features.split(",");
  const odd = list.find((feature) => !featureName.test(feature));
  if (odd !== undefined) refuse(`"${odd}" is not the name of a feature`);
  return Object.freeze({ name, version: version ?? null, features: [...new Set(list)] });
}

/** Reads all of them; a crate may be named once. */
export function parseDependencies(texts: readonly string[]): readonly WantedDependency[] {
  const wanted = texts.map(parseDependency);
  const names = wanted.map(({ name }) => toCrate(name));
  const twice = wanted.find(({ name }, index) => names.indexOf(toCrate(name)) < index);
  if (twice === undefined) return wanted;
  throw new BloomError("ERR_INVALID_ARGUMENT", `--dependency ${twice.name} is given twice`, {
    hint: "Give each crate once, with all its features.",
  });
}

/** The registry takes hyphens and underscores for the same. */
export function toCrate(name: string): string {
  return name.replaceAll("-", "_").toLowerCase();
}
