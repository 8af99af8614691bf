import { expect, test } from "vitest";
import { planLocal, type LocalPlan } from "../../../src/build/prefork/plan-local.js";

const classic = '#![crate_type = "dylib"]\n';
const crate = '[package]\nname = "my-shop"\n[lib]\ncrate-type = ["cdylib"]\n';

function plan(files: Readonly<Record<string, string>>, ...libraries: string[]): LocalPlan {
  const project = { list: () => Object.keys(files).sort(), read: (path: string) => files[path] };
  const apps = libraries.map((library) => ({
    ...{ mount: "", function: "application" },
    ...{ library, library_as_written: library },
  }));
  return planLocal("/home/ann/shop", project, { ini: "app.ini", apps });
}

test("a file makes its library, and what lies beside it may be part of it", () => {
  const files = { "app.rs": classic, "part/mod.rs": "", "app.ini": "", "libold.so": "" };
  expect(plan(files, "/home/ann/shop/libapp.so")).toEqual({
    libraries: [
      {
        path: "libapp.so",
        made: { from: "file", file: "app.rs", name: "app" },
        sources: ["app.rs", "part/mod.rs"],
      },
    ],
    problems: [],
  });
  const below = plan({ "one/app.rs": classic, "two/x.rs": "" }, "./one/libapp.so");
  expect(below.libraries[0]?.sources).toEqual(["one/app.rs"]);
});

test("a crate makes its library of everything but inis and libraries", () => {
  const files = { "Cargo.toml": crate, "src/lib.rs": "", "app.ini": "", "libmy_shop.so": "", "data.txt": "" };
  expect(plan(files, "libmy_shop.so").libraries).toEqual([
    {
      path: "libmy_shop.so",
      made: { from: "crate", name: "my_shop" },
      sources: ["Cargo.toml", "src/lib.rs", "data.txt"].toSorted(),
    },
  ]);
});

test("what lies elsewhere, and what nothing is there to make of, is served as it lies there", () => {
  expect(plan({ "app.rs": classic }, "/usr/lib/libapp.so", "../libapp.so")).toMatchObject({ libraries: [] });
  expect(plan({ "app.ini": "" }, "libapp.so")).toEqual({ libraries: [], problems: [] });
});

test("what cannot be made is said, in the ini's name", () => {
  const { libraries, problems } = plan({ "app.rs": classic }, "libapp.so", "libother.so");
  expect(libraries.map(({ path }) => path)).toEqual(["libapp.so"]);
  expect(problems).toEqual([
    { file: "app.ini", line: 1, column: 1, message: expect.stringContaining("libother.so") as string },
  ]);
});
