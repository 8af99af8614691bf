import { completeConfig, type MountConfig } from "@bloomery/contract";
import { describe, expect, test } from "vitest";
import {
  parseMountPoints,
  planDisk,
  planMountFolder,
  planVolumeBytes,
} from "../../../src/run/volumes/plan-volume.js";

const mount = (source: MountConfig["source"], sourcePath: string): MountConfig => ({ source, sourcePath });

test.each([
  [mount("local", "uploads"), ["shared", "uploads"]],
  [mount("storage", "a/b"), ["shared", "a", "b"]],
  [mount("local", ""), ["shared"]],
  [mount("instance", "cache"), ["replica-3", "cache"]],
  [mount("tmp", "x"), null],
  [mount("temporary", "x"), null],
])("%j lies in %j", (config, folder) => {
  expect(planMountFolder(config, 3)).toEqual(folder);
});

test("only kept mounts need room", () => {
  const config = (source: MountConfig["source"], diskMb: number | null) =>
    completeConfig({ web: { start: "x" }, diskMb, mounts: { a: mount(source, "a") } });
  expect(planVolumeBytes(config("local", 256))).toBe(256_000_000);
  expect(planVolumeBytes(config("tmp", 256))).toBeNull();
  expect(planVolumeBytes(config("local", null))).toBeNull();
});

describe("planDisk", () => {
  test.each([
    ["no limit", null, null, true, { kind: "plain" }],
    ["a limit", 256_000_000, null, true, { kind: "create", bytes: 256_000_000 }],
    ["a limit that is no whole block", 1_000_000, null, true, { kind: "create", bytes: 1_003_520 }],
    ["no loop devices", 256_000_000, null, false, { kind: "measured", limitBytes: 256_000_000 }],
    ["the same again", 256_000_000, 256_000_000, true, { kind: "keep" }],
    ["a file system a little smaller", 256_000_000, 251_000_000, true, { kind: "keep" }],
    ["more", 512_000_000, 256_000_000, true, { kind: "grow", bytes: 512_000_000 }],
    ["less", 128_000_000, 256_000_000, true, { kind: "refuse_shrink" }],
    ["the limit taken back", null, 256_000_000, true, { kind: "keep" }],
    ["an image and no loop devices any more", 256_000_000, 256_000_000, false, { kind: "keep" }],
  ] as const)("%s", (_, wantedBytes, imageBytes, canLoop, plan) => {
    expect(planDisk({ wantedBytes, imageBytes, canLoop })).toEqual(plan);
  });
});

test("finds the mounts below a folder, also with odd names", () => {
  const table = [
    "22 1 8:1 / / rw - ext4 /dev/sda rw",
    "30 22 7:0 / /home/my\\040volumes/e1/data rw,nosuid - ext4 /dev/loop0 rw",
    "31 22 7:1 / /home/my\\040volumes-2/e1/data rw - ext4 /dev/loop1 rw",
    "",
  ].join("\n");
  expect(parseMountPoints(table, "/home/my volumes")).toEqual(["/home/my volumes/e1/data"]);
});
