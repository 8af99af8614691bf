import { cp, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readLock } from "../../../src/build/function/lock-entries.js";
import { openSdk } from "../../../src/build/function/sdk.js";
import { planSdkTemplate } from "../../../src/build/function/plan-sdk-template.js";
import { asTable, parseTable } from "../../../src/build/toml-table.js";
import { chooseTemplate } from "../../../src/build/templates/choose-template.js";
import { crates } from "../builder-bench.js";
import { makeTempDir, readTree } from "../helpers.js";

it("is copied once, with times and modes that are the same everywhere, and without its tests", async () => {
  const home = await makeTempDir();
  await mkdir(join(home, "0".repeat(64), "old"), { recursive: true });
  const sdk = await openSdk(crates, home);
  expect(await readdir(home)).toEqual([sdk.digest]);
  const files = Object.keys(await readTree(sdk.mount.source));
  expect(files).toEqual(
    expect.arrayContaining(["ignite/Cargo.toml", "ignite/src/lib.rs", "ignite/function.lock"]),
  );
  expect(files.filter((path) => path.includes("tests/"))).toEqual([]);
  for (const path of ["ignite/src/lib.rs", "ignite-macros/Cargo.toml"]) {
    const found = await stat(join(sdk.mount.source, path));
    expect([found.mtime.toISOString(), found.mode & 0o777]).toEqual(["2020-01-01T00:00:00.000Z", 0o644]);
  }
  const { ino } = await stat(sdk.mount.source);
  expect(await openSdk(crates, home)).toEqual(sdk);
  expect((await stat(sdk.mount.source)).ino).toBe(ino);
  expect(sdk.mount.target).toBe(`/sdk/${sdk.digest.slice(0, 16)}`);
  expect(sdk.path).toBe(`${sdk.mount.target}/ignite`);
});

it("has another place when anything in it is different, so that nothing compiled of the old one fits", async () => {
  const [home, source] = [await makeTempDir(), await makeTempDir()];
  await cp(crates, source, { recursive: true });
  const one = await openSdk(source, home);
  await writeFile(join(source, "ignite-macros/src/lib.rs"), "// another\n");
  const other = await openSdk(source, home);
  expect(other.digest).not.toBe(one.digest);
  expect(other.path).not.toBe(one.path);
  expect(await readdir(home)).toEqual([other.digest]);
  const wish = { toolchain: "1.95.0", cargo: { profile: "release" }, variables: {} };
  const [first, second] = [planSdkTemplate(one, wish), planSdkTemplate(other, wish)];
  if (typeof first === "string" || typeof second === "string") throw new Error("no plan");
  expect(first.key).not.toBe(second.key);
  // However much of it another one has.
  expect(chooseTemplate(first, [second])).toBeNull();
  expect(chooseTemplate(first, [second, first])).toBe(first);
  // A web app's own crates never include the SDK.
  const web = {
    ...first,
    isExact: false,
    key: "w",
    packages: first.packages.filter((name) => !name.startsWith("ignite")),
  };
  expect(chooseTemplate(web, [first])).toBeNull();
});

it("that is not there is said by name", async () => {
  const [home, source] = [await makeTempDir(), await makeTempDir()];
  await expect(openSdk(source, home)).rejects.toMatchObject({
    code: "ERR_TOOLCHAIN_MISSING",
    message: expect.stringContaining(source) as string,
  });
  expect(await readdir(home)).toEqual([]);
});

it("that was half copied is copied again", async () => {
  const home = await makeTempDir();
  await mkdir(join(home, ".new-1/ignite"), { recursive: true });
  const sdk = await openSdk(crates, home);
  expect(await readdir(home)).toEqual([sdk.digest]);
});

it("has no template with a profile of the project's own, or with another compiler", async () => {
  const sdk = await openSdk(crates, await makeTempDir());
  const plan = (profile: string, variables = {}) =>
    planSdkTemplate(sdk, { toolchain: "1.95.0", cargo: { profile }, variables });
  expect(plan("small")).toBe("the profile small is the project's own");
  expect(plan("release", { RUSTC: "/bin/true" })).toBe("RUSTC is set");
  expect(
    planSdkTemplate({ ...sdk, lockfile: null }, { toolchain: "1", cargo: { profile: "dev" }, variables: {} }),
  ).toBe("the SDK has no lockfile");
  expect(plan("dev")).toMatchObject({ flavor: { profile: "dev" }, sdk: sdk.mount });
});

/** Cargo itself says whether it is complete, where functions are built; this says it sooner. */
it("has a lockfile that names what its crates ask for", async () => {
  const lock = readLock(await readFile(join(crates, "ignite/function.lock"), "utf8"));
  for (const name of ["ignite", "ignite-macros"]) {
    const manifest = parseTable(await readFile(join(crates, name, "Cargo.toml"), "utf8")) ?? {};
    const entry = lock?.entries.find((one) => one.name === name);
    expect(entry?.version).toBe(asTable(manifest["package"])["version"]);
    expect(entry?.dependencies.map((one) => one.name)).toEqual(
      Object.keys(asTable(manifest["dependencies"])).toSorted(),
    );
  }
});
