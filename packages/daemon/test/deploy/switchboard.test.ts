import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { openSwitchboard } from "../../src/deploy/switchboard.js";

let folder: string;
let told: [string, string | null][];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-switchboard-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  told = [];
});

const open = (mapped: Record<string, string> = {}) =>
  openSwitchboard({
    ...{ folder, owner: null },
    network: {
      stableCapacity: 2,
      stableAddress(index) {
        if (index >= 2) throw new Error("there is no such address");
        return `stable-${index}`;
      },
      setCurrent: async (stable, address) => void told.push([stable, address]),
      currentMap: async () => new Map(Object.entries(mapped)),
    },
  });

test("an address that leads nowhere is not asked to, one of an earlier daemon is", async () => {
  const switchboard = await open({ "stable-1": "10.0.0.7" });
  for (const index of [0, 1, 1]) await switchboard.setAddress(index, null);
  expect(told).toEqual([["stable-1", null]]);
  await switchboard.setAddress(0, "10.0.0.8");
  await switchboard.setAddress(0, null);
  expect(told.slice(1)).toEqual([
    ["stable-0", "10.0.0.8"],
    ["stable-0", null],
  ]);
});

test("beyond the last address nothing is to be led nowhere; to lead one somewhere fails", async () => {
  const switchboard = await open();
  await switchboard.setAddress(2, null);
  expect(told).toEqual([]);
  await expect(switchboard.setAddress(2, "10.0.0.7")).rejects.toThrow("no such address");
});

test("a path is led nowhere when it leads somewhere, be it since an earlier daemon", async () => {
  const socket = join(folder, "app.sock");
  await writeFile(socket, "");
  const first = await open();
  const stable = first.stablePath("web-1-0");
  await first.setPath("web-1-0", socket);
  expect(existsSync(stable)).toBe(true);
  const second = await open();
  await second.setPath("web-2-0", null);
  await second.setPath("web-1-0", null);
  expect(existsSync(stable)).toBe(false);
});
