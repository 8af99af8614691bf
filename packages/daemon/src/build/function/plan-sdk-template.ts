import { createHash } from "node:crypto";
import type { CargoConfig } from "@bloomery/contract";
import { pickCompilerVariables } from "../templates/compiler-variables.js";
import { cargoBuildOf } from "../templates/parse-cargo-build.js";
import { parseLockfile } from "../templates/parse-lockfile.js";
import type { TemplatePlan } from "../templates/plan-template.js";
import { planStubs } from "../templates/plan-stubs.js";
import { parseTable } from "../toml-table.js";
import { planStandIn } from "./plan-stand-in.js";
import type { Sdk } from "./sdk.js";

/** Every cargo knows them. Another one is a table of the project's own manifest. */
const profiles = new Set(["release", "dev"]);

/**
 * The template under every function's build: the SDK and what comes with it, compiled for the smallest function there
 * is. A text says why there can be none. What a function has besides, it compiles upon this once.
 */
export function planSdkTemplate(
  sdk: Sdk,
  wish: {
    readonly toolchain: string;
    readonly cargo: Pick<CargoConfig, "profile">;
    readonly variables: Readonly<Record<string, string>>;
  },
): TemplatePlan | string {
  const { profile } = wish.cargo;
  const lock = sdk.lockfile === null ? null : parseLockfile(sdk.lockfile);
  if (sdk.lockfile === null || lock === null) return "the SDK has no lockfile";
  if (!profiles.has(profile)) return `the profile ${profile} is the project's own`;
  const compiler = pickCompilerVariables(wish.variables);
  if (compiler.forbidding !== null) return `${compiler.forbidding} is set`;
  const standIn = planStandIn(sdk);
  const manifest = parseTable(standIn.get("Cargo.toml") ?? "") ?? {};
  const stubs = planStubs("Cargo.toml", manifest, new Set(standIn.keys()));
  const flavor = { toolchain: wish.toolchain, profile, target: null, variables: compiler.variables };
  const key = createHash("sha256")
    .update(JSON.stringify([1, "function", sdk.digest, flavor]))
    .digest("hex");
  return {
    key,
    flavor,
    isExact: true,
    // The SDK's crates come from no registry; what names them instead is what they hold.
    packages: lock
      .flatMap(({ name, version, source, checksum }) =>
        source === null && !name.startsWith("ignite") ? [] : [`${name} ${version} ${checksum ?? sdk.digest}`],
      )
      .sort(),
    cargo: cargoBuildOf({ profile, features: [], package: null, bin: null, target: null }),
    files: new Map([...standIn, ...stubs, ["Cargo.lock", sdk.lockfile]]),
    sdk: sdk.mount,
  };
}
