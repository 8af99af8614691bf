import type { ToolchainWish } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { isInstallableChannel, planToolchain, type Toolchain } from "../../src/build/plan-toolchain.js";

const host = "x86_64-unknown-linux-gnu";
const make = (name: string, version: string, isDefault = false): Toolchain => ({
  name: name === "system" ? name : `${name}-${host}`,
  version,
  dir: name === "system" ? null : `/rustup/toolchains/${name}`,
  isDefault,
});
const installed = [
  make("1.68.0", "1.68.0"),
  make("1.68.2", "1.68.2"),
  make("1.70.0", "1.70.0"),
  make("nightly", "1.97.0-nightly"),
  make("nightly-2026-01-01", "1.94.0-nightly"),
  make("stable", "1.95.0", true),
  make("system", "1.63.0"),
];
const wish = (channel: string | null): ToolchainWish => ({
  channel,
  source: channel === null ? "default" : "type",
});

describe("planToolchain", () => {
  it.each([
    [null, "1.95.0"],
    ["1", "1.95.0"],
    ["stable", "1.95.0"],
    ["1.68", "1.68.2"],
    ["1.68.0", "1.68.0"],
    ["1.63", "1.63.0"],
    ["nightly", "1.97.0-nightly"],
    ["nightly-2026-01-01", "1.94.0-nightly"],
    [`nightly-${host}`, "1.97.0-nightly"],
  ])("takes the installed one for %s", (channel, version) => {
    const plan = planToolchain(wish(channel), installed, true);
    expect(plan).toMatchObject({ use: { version }, install: null, warning: null });
  });

  it.each([
    ["1.71", "1.71"],
    ["1.68.1", "1.68.1"],
    ["beta", "beta"],
    ["nightly-2025-05-05", "nightly-2025-05-05"],
  ])("installs %s where that is possible", (channel, install) => {
    expect(planToolchain(wish(channel), installed, true)).toMatchObject({
      use: { version: "1.95.0" },
      install,
    });
    expect(planToolchain(wish(channel), installed, false)).toMatchObject({
      use: { version: "1.95.0" },
      install: null,
    });
  });

  it("names both versions when it cannot give what was asked for", () => {
    const { warning } = planToolchain({ channel: "1.999", source: "rust-toolchain" }, installed, false);
    expect(warning).toBe(
      "Rust 1.999 (from rust-toolchain.toml) is not installed and cannot be had; building with 1.95.0",
    );
  });

  it.each([
    "../../evil",
    "/opt/rust",
    "stable; rm -rf /",
    "--help",
    "1.68 --force",
    "1",
    "2.0",
    "esp",
    "1.9999",
  ])("never has rustup install %j", (channel) => {
    expect(isInstallableChannel(channel)).toBe(false);
    const expected = channel === "1" ? "stable" : null;
    expect(planToolchain(wish(channel), [], true)).toMatchObject({ use: null, install: expected });
  });

  it("uses the newest stable one when rustup names no default, then the newest of all", () => {
    const others = installed.filter((one) => !one.isDefault);
    expect(planToolchain(wish(null), others, false).use?.version).toBe("1.70.0");
    expect(planToolchain(wish("1"), [make("nightly", "1.97.0-nightly")], false).use?.version).toBe(
      "1.97.0-nightly",
    );
  });
});
