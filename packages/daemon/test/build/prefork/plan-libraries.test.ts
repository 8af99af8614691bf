import type { PreforkSource } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { planLibraries, type LibraryFacts } from "../../../src/build/prefork/plan-libraries.js";

const place = { file: "app.ini", line: 3, column: 10 };

function factsOf(
  source: PreforkSource,
  more: {
    readonly there?: readonly string[];
    readonly crates?: readonly string[];
    readonly hook?: boolean;
  } = {},
): LibraryFacts {
  return {
    source,
    hasHook: more.hook ?? false,
    crates: more.crates ?? [],
    nameOf: (file) => file.replace(/^.*\//, "").replace(/\.rs$/, ""),
    has: (path) => (more.there ?? []).includes(path),
    placeOf: () => place,
  };
}

const appOf = (library: string, mount = "", name: string | null = "app") => ({
  mount,
  library,
  library_as_written: library,
  function: name,
});

const cargo: PreforkSource = { kind: "cargo" };
const prebuilt: PreforkSource = { kind: "prebuilt" };
const files = (...paths: string[]): PreforkSource => ({ kind: "files", files: paths });

describe("a library", () => {
  it.each([
    ["of a file", "./libapp.so", factsOf(files("app.rs")), { from: "file", file: "app.rs", name: "app" }],
    [
      "of a file, with its whole path",
      "/app/libapp.so",
      factsOf(files("app.rs")),
      { from: "file", file: "app.rs", name: "app" },
    ],
    [
      "of the only file, by any name",
      "out/server.so",
      factsOf(files("app.rs")),
      { from: "file", file: "app.rs", name: "app" },
    ],
    [
      "of one file of several",
      "libb.so",
      factsOf(files("a.rs", "x/b.rs")),
      { from: "file", file: "x/b.rs", name: "b" },
    ],
    [
      "of a file, though one lies there",
      "libapp.so",
      factsOf(files("app.rs"), { there: ["libapp.so"] }),
      { from: "file", file: "app.rs", name: "app" },
    ],
    [
      "that lies beside a file",
      "libother.so",
      factsOf(files("app.rs"), { there: ["libother.so"] }),
      { from: "nothing" },
    ],
    [
      "of a crate",
      "target/release/libshop.so",
      factsOf(cargo, { crates: ["other", "shop"] }),
      { from: "crate", name: "shop" },
    ],
    [
      "of the only crate, by any name",
      "./shop.so",
      factsOf(cargo, { crates: ["my_shop"] }),
      { from: "crate", name: "my_shop" },
    ],
    [
      "that lies beside a crate",
      "lib/libold.so",
      factsOf(cargo, { crates: ["shop"], there: ["lib/libold.so"] }),
      { from: "nothing" },
    ],
    ["that lies there", "./a/../libx.so", factsOf(prebuilt, { there: ["libx.so"] }), { from: "nothing" }],
    ["of a script", "any.so", factsOf(cargo, { hook: true }), { from: "nothing" }],
  ])("%s", (_, library, facts, made) => {
    const { libraries, problems } = planLibraries([appOf(library)], facts);
    expect(problems).toEqual([]);
    expect(libraries).toMatchObject([{ functions: ["app"], made }]);
  });

  it("of several mounts is one", () => {
    const apps = [
      appOf("liba.so", "/a", "one"),
      appOf("./liba.so", "/b", "two"),
      appOf("libb.so", "/c", null),
    ];
    expect(planLibraries(apps, factsOf(files("a.rs", "b.rs"))).libraries).toEqual([
      { path: "liba.so", functions: ["one", "two"], made: { from: "file", file: "a.rs", name: "a" } },
      { path: "libb.so", functions: [], made: { from: "file", file: "b.rs", name: "b" } },
    ]);
  });

  it.each([
    ["outside", [appOf("/usr/lib/libx.so")], factsOf(prebuilt), "lies outside of the app's folder"],
    ["above", [appOf("../libx.so")], factsOf(prebuilt), "lies outside of the app's folder"],
    ["that is the folder", [appOf("/app")], factsOf(prebuilt), "lies outside of the app's folder"],
    ["that is not there", [appOf("libx.so")], factsOf(prebuilt), "there is no libx.so in the app's folder"],
    [
      "of no crate",
      [appOf("libx.so")],
      factsOf(cargo, { crates: ["a", "b"] }),
      "write dlopen = ./liba.so or dlopen = ./libb.so",
    ],
    [
      "of two files",
      [appOf("libx.so")],
      factsOf(files("x.rs", "y/x.rs")),
      "x.rs and y/x.rs both make libx.so",
    ],
    [
      "of no file",
      [appOf("libx.so")],
      factsOf(files("a.rs", "b.rs")),
      "a.rs makes liba.so, b.rs makes libb.so",
    ],
    [
      "of none of several",
      [appOf("liba.so"), appOf("libx.so", "/x")],
      factsOf(files("a.rs")),
      "nothing here makes libx.so",
    ],
    ["that nobody names", [], factsOf(cargo), "the ini names no library"],
  ])("%s is refused", (_, apps, facts, message) => {
    const { problems } = planLibraries(apps, facts);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject(place);
    expect(problems[0]?.message).toContain(message);
  });
});
