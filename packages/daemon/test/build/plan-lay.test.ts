import { describe, expect, it } from "vitest";
import { contentKey, planLay, type FoundEntry, type LaidTree } from "../../src/build/plan-lay.js";
import { fileEntry, linkEntry } from "./helpers.js";

function found(path: string, change: Partial<FoundEntry> = {}): FoundEntry {
  return { path, kind: "file", stamp: "s", target: null, cache: false, odd: false, ...change };
}

const folder = (path: string, change: Partial<FoundEntry> = {}): FoundEntry =>
  found(path, { kind: "folder", ...change });

const a = fileEntry("a", "one");
const laidA: LaidTree = { tree: "t", files: new Map([["a", { content: contentKey(a), stamp: "s" }]]) };

describe("planLay", () => {
  it.each([
    ["an untouched file", laidA, [a], [found("a")], { keep: ["a"] }],
    ["a file without a record", null, [a], [found("a")], { write: ["a"] }],
    ["another stamp", laidA, [a], [found("a", { stamp: "t" })], { write: ["a"] }],
    ["another content", laidA, [fileEntry("a", "two")], [found("a")], { write: ["a"] }],
    ["another mode", laidA, [fileEntry("a", "one", true)], [found("a")], { write: ["a"] }],
    [
      "a folder where a file belongs",
      laidA,
      [a],
      [folder("a"), found("a/x")],
      { write: ["a"], remove: ["a"] },
    ],
    [
      "a link where a file belongs",
      laidA,
      [a],
      [found("a", { kind: "link", target: "/etc" })],
      { write: ["a"] },
    ],
    [
      "the same link",
      null,
      [linkEntry("l", "x")],
      [found("l", { kind: "link", target: "x" })],
      { keep: ["l"] },
    ],
    [
      "another link",
      null,
      [linkEntry("l", "x")],
      [found("l", { kind: "link", target: "y" })],
      { write: ["l"] },
    ],
    [
      "a link where a folder belongs",
      null,
      [fileEntry("d/x")],
      [found("d", { kind: "link", target: "/" })],
      { write: ["d/x"], remove: ["d"] },
    ],
    [
      "a folder with an odd mode",
      null,
      [fileEntry("d/x")],
      [folder("d", { odd: true })],
      { write: ["d/x"], repair: ["d"] },
    ],
    [
      "a leftover folder once",
      laidA,
      [a],
      [found("a"), folder("x"), folder("x/y"), found("x/y/z")],
      { keep: ["a"], remove: ["x"] },
    ],
    ["a cache", laidA, [a], [found("a"), folder("target", { cache: true })], { keep: ["a"] }],
    [
      "a cache below a leftover folder",
      laidA,
      [a],
      [found("a"), folder("x"), folder("x/target", { cache: true }), found("x/z")],
      { keep: ["a"], remove: ["x/z"] },
    ],
    [
      "a cache where a file belongs",
      null,
      [a],
      [folder("a", { cache: true })],
      { write: ["a"], remove: ["a"] },
    ],
    ["a device", null, [], [found("dev", { kind: "other" })], { remove: ["dev"] }],
    [
      "a generated lockfile",
      null,
      [fileEntry("Cargo.toml")],
      [found("Cargo.lock")],
      { write: ["Cargo.toml"] },
    ],
    [
      "a lockfile that is a link",
      null,
      [fileEntry("Cargo.toml")],
      [found("Cargo.lock", { kind: "link", target: "/x" })],
      { write: ["Cargo.toml"], remove: ["Cargo.lock"] },
    ],
    ["a lockfile without manifest", null, [], [found("Cargo.lock")], { remove: ["Cargo.lock"] }],
  ] as const)("handles %s", (_, previous, next, entries, expected) => {
    const plan = planLay(previous, next, entries);
    expect({
      keep: plan.keep.map((entry) => entry.path),
      write: plan.write.map((entry) => entry.path),
      remove: plan.remove,
      repair: plan.repair,
    }).toEqual({ keep: [], write: [], remove: [], repair: [], ...expected });
  });
});
