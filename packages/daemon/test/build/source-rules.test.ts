import { findPathProblem, findSourceProblem, parentFolders, resolveInTree } from "@bloomery/contract";
import fc from "fast-check";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { fileEntry, linkEntry } from "./helpers.js";

describe("paths of a source tree", () => {
  it.each(["a", "src/main.rs", "a..b/...c", ".github/x", ".gitignore", "ä/ü", "a b", "C:\\x"])(
    "accepts %j",
    (path) => {
      expect(findPathProblem(path)).toBeNull();
    },
  );

  it.each([
    ["", "its path is empty"],
    ["/etc/passwd", "its path is absolute"],
    ["..", "its path has a `..` segment"],
    ["a/../../b", "its path has a `..` segment"],
    ["./a", "its path has a `.` segment"],
    ["a//b", "its path has an empty segment"],
    ["a/", "its path has an empty segment"],
    ["a\0b", "its path has control characters"],
    ["a\nb", "its path has control characters"],
    ["a\ud800b", "its path is not valid Unicode"],
    [".git/config", "it belongs to .git"],
    ["sub/.git/hooks/post-checkout", "it belongs to .git"],
    ["x".repeat(256), "a name in its path exceeds 255 bytes"],
    ["ä".repeat(128), "a name in its path exceeds 255 bytes"],
    [`${"abc/".repeat(300)}x`, "its path exceeds 1024 bytes"],
  ])("refuses %j", (path, reason) => {
    expect(findPathProblem(path)).toBe(reason);
  });

  it("never accepts a path that leaves its folder", () => {
    const segment = fc.constantFrom("..", ".", "", "a", "b", "...", "/", "\\", "\0", ".git", "x y");
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
        const path = segments.join("/");
        if (findPathProblem(path) !== null) return;
        expect(posix.join("/root/tree", path)).toBe(`/root/tree/${path}`);
      }),
    );
  });
});

describe("whole trees", () => {
  it("accepts links that stay inside, also through other links", () => {
    const entries = [
      fileEntry("a/b/file"),
      linkEntry("up", "a/b/../b/file"),
      linkEntry("dir", "a"),
      linkEntry("through", "dir/b/file"),
      linkEntry("dangling", "not/there"),
    ];
    expect(findSourceProblem(entries)).toBeNull();
  });

  it.each([
    ["duplicate", [fileEntry("a"), fileEntry("a", "x")], "a", "listed twice"],
    ["file below a file", [fileEntry("a"), fileEntry("a/b")], "a/b", "below a"],
    ["file below a link", [linkEntry("a", "b"), fileEntry("a/b")], "a/b", "below a"],
    ["absolute link", [linkEntry("l", "/etc/passwd")], "l", "out of the tree"],
    ["link up and out", [linkEntry("d/l", "../../x")], "d/l", "out of the tree"],
    [
      "link out through another",
      [linkEntry("a", "d/e"), linkEntry("l", "a/../../../x"), fileEntry("d/e/f")],
      "l",
      "out of",
    ],
    ["link to itself", [linkEntry("l", "l")], "l", "out of the tree"],
    ["empty link", [linkEntry("l", "")], "l", "out of the tree"],
    ["too many bytes", [{ ...fileEntry("a"), size: 3 * 1024 ** 3 }], "a", "exceed"],
  ])("refuses a %s", (_, entries, path, reason) => {
    const problem = findSourceProblem(entries);
    expect(problem?.path).toBe(path);
    expect(problem?.reason).toContain(reason);
  });

  it("refuses too many entries", () => {
    const entries = Array.from({ length: 100_001 }, (_, index) => fileEntry(`f${index}`));
    expect(findSourceProblem(entries)).toMatchObject({ kind: "too-large" });
  });

  it("resolves links as a kernel does, and stays inside or says null", () => {
    const name = fc.constantFrom("a", "b", "c", "..", ".");
    const target = fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => names.join("/"));
    const links = fc
      .dictionary(fc.constantFrom("a", "b", "a/c", "c/b"), target)
      .map((one) => new Map(Object.entries(one)));
    fc.assert(
      fc.property(links, target, (map, path) => {
        const result = resolveInTree(path, map);
        if (result === null) return;
        expect(result.split("/")).not.toContain("..");
        for (const folder of [...parentFolders(result), result]) expect(map.has(folder)).toBe(false);
      }),
    );
  });

  it("follows absolute links only below the mount point", () => {
    expect(resolveInTree("l", new Map([["l", "/app/x/y"]]), "/app")).toBe("x/y");
    expect(resolveInTree("l", new Map([["l", "/app"]]), "/app")).toBe("");
    expect(resolveInTree("l", new Map([["l", "/application"]]), "/app")).toBeNull();
    expect(resolveInTree("l", new Map([["l", "/app/../etc"]]), "/app")).toBeNull();
  });
});
