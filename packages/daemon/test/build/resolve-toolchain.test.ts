import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listToolchains } from "../../src/build/list-toolchains.js";
import { createToolchainResolver } from "../../src/build/resolve-toolchain.js";
import { makeTempDir } from "./helpers.js";

async function writeProgram(path: string, text: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}

async function addToolchain(rustupHome: string, name: string, version: string): Promise<void> {
  const bin = join(rustupHome, "toolchains", name, "bin");
  await mkdir(bin, { recursive: true });
  await writeProgram(join(bin, "rustc"), `echo x >> "$0.asked"; echo "rustc ${version} (abc 2026-01-01)"`);
  await writeProgram(join(bin, "cargo"), "exit 1");
}

/** A rustup home with a `rustup` that installs 1.71.0 and knows no other channel. */
async function makeRustup(): Promise<{ home: string; env: NodeJS.ProcessEnv; asked: () => Promise<string> }> {
  const dir = await makeTempDir();
  const home = join(dir, "rustup");
  await addToolchain(home, "stable-x86_64-unknown-linux-gnu", "1.95.0");
  await writeFile(join(home, "settings.toml"), 'default_toolchain = "stable-x86_64-unknown-linux-gnu"\n');
  const log = join(dir, "asked");
  await writeFile(log, "");
  await writeProgram(
    join(dir, "rustup-program"),
    `echo "$@" >> ${log}; [ "$3" = 1.71 ] || exit 1; cp -r $RUSTUP_HOME/toolchains/stable* $RUSTUP_HOME/toolchains/1.71.0-x86_64-unknown-linux-gnu
sed -i s/1.95.0/1.71.0/ $RUSTUP_HOME/toolchains/1.71.0*/bin/rustc`,
  );
  await mkdir(join(dir, "bin"));
  await symlink(join(dir, "rustup-program"), join(dir, "bin/rustup"));
  return { home, env: { PATH: `${dir}/bin:/usr/bin:/bin`, HOME: dir }, asked: () => readFile(log, "utf8") };
}

describe("listToolchains", () => {
  it("finds rustup's toolchains through links, leaves broken ones out, and asks each once", async () => {
    const { home } = await makeRustup();
    await addToolchain(home, "nightly-x86_64-unknown-linux-gnu", "1.97.0-nightly");
    await mkdir(join(home, "toolchains/broken/bin"), { recursive: true });
    await symlink(
      join(home, "toolchains/stable-x86_64-unknown-linux-gnu"),
      join(home, "toolchains/1.95.0-x86_64-unknown-linux-gnu"),
    );
    const list = await listToolchains({ rustupHome: home, systemFolders: [] });
    expect(list.map((one) => [one.name.split("-x86")[0], one.version, one.isDefault])).toEqual([
      ["1.95.0", "1.95.0", false],
      ["nightly", "1.97.0-nightly", false],
      ["stable", "1.95.0", true],
    ]);
    expect(list[0]?.dir).toBe(list[2]?.dir);
    await listToolchains({ rustupHome: home, systemFolders: [] });
    const asked = await readFile(
      join(home, "toolchains/stable-x86_64-unknown-linux-gnu/bin/rustc.asked"),
      "utf8",
    );
    expect(asked).toBe("x\n");
  });

  it("takes a system cargo, but not rustup's stand-in for one", async () => {
    const dir = await makeTempDir();
    await addToolchain(dir, "x", "1.63.0");
    const system = join(dir, "toolchains/x/bin");
    const places = { rustupHome: null, systemFolders: [system] };
    expect(await listToolchains(places)).toEqual([
      { name: "system", version: "1.63.0", dir: null, isDefault: false },
    ]);
    const proxies = join(dir, "proxies");
    await mkdir(proxies);
    await writeProgram(join(proxies, "rustup"), 'echo "rustc 1.95.0 (abc)"');
    for (const name of ["cargo", "rustc"]) await symlink("rustup", join(proxies, name));
    expect(await listToolchains({ rustupHome: null, systemFolders: [proxies] })).toEqual([]);
  });

  it("finds nothing where nothing is", async () => {
    expect(await listToolchains({ rustupHome: "/nonexistent", systemFolders: ["/nonexistent"] })).toEqual([]);
  });
});

describe("createToolchainResolver", () => {
  it("installs a missing toolchain once and uses it", async () => {
    const { home, env, asked } = await makeRustup();
    const resolver = createToolchainResolver({ places: { rustupHome: home, systemFolders: [] }, env });
    const wish = { channel: "1.71", source: "type" } as const;
    const [first, second] = await Promise.all([resolver.resolve(wish), resolver.resolve(wish)]);
    expect([first.toolchain.version, second.toolchain.version]).toEqual(["1.71.0", "1.71.0"]);
    expect(first.warnings).toEqual([]);
    expect(await asked()).toBe("toolchain install 1.71 --profile minimal --no-self-update\n");
  });

  it("falls back with a warning, and does not try again for ten minutes", async () => {
    const { home, env, asked } = await makeRustup();
    let now = 0;
    const resolver = createToolchainResolver({
      places: { rustupHome: home, systemFolders: [] },
      env,
      now: () => now,
    });
    const wish = { channel: "1.999", source: "rust-toolchain" } as const;
    const { toolchain, warnings } = await resolver.resolve(wish);
    expect(toolchain.version).toBe("1.95.0");
    expect(warnings).toEqual([expect.stringContaining("1.999")]);
    await resolver.resolve(wish);
    expect((await asked()).trim().split("\n")).toHaveLength(1);
    now += 11 * 60_000;
    await resolver.resolve(wish);
    expect((await asked()).trim().split("\n")).toHaveLength(2);
  });

  it("says so when there is no toolchain at all", async () => {
    const resolver = createToolchainResolver({ places: { rustupHome: null, systemFolders: [] }, env: {} });
    await expect(resolver.resolve({ channel: null, source: "default" })).rejects.toMatchObject({
      code: "ERR_TOOLCHAIN_MISSING",
    });
  });

  it("stops waiting when it is cancelled", async () => {
    const { home, env } = await makeRustup();
    const resolver = createToolchainResolver({ places: { rustupHome: home, systemFolders: [] }, env });
    const abort = AbortSignal.abort(new Error("enough"));
    await expect(resolver.resolve({ channel: "1.998", source: "type" }, abort)).rejects.toThrow("enough");
  });
});
