import { describe, expect, it } from "vitest";
import { nameBuildSource, openSubtree } from "../../src/build/source-tree.js";
import { openSourceStore } from "../../src/build/source-store.js";
import { makeTempDir, uploadFiles } from "./helpers.js";

async function subtreeOf(files: Record<string, string>, root: string) {
  const store = await openSourceStore(await makeTempDir());
  return openSubtree(await store.openTree(await uploadFiles(store, files)), root);
}

const crate = (more = ""): string => `[package]\nname = "app"\nversion = "0.1.0"\n${more}`;

describe("an app in a folder of the source", () => {
  const files = {
    "README.md": "all of it",
    "apps/web/Cargo.toml": crate('edition = "2021"\n'),
    "apps/web/src/main.rs": "fn main() {}",
    "apps/web/now": "link: src/main.rs",
    "apps/webber/other": "not part of it",
  };

  it("is that folder alone, named by its own content", async () => {
    const tree = await subtreeOf(files, "apps/web");
    expect(tree.list().toSorted()).toEqual(["Cargo.toml", "now", "src/main.rs"]);
    expect(tree.read("now")).toBe("fn main() {}");
    const elsewhere = await subtreeOf({ ...files, "README.md": "changed" }, "apps/web");
    expect(elsewhere.tree).toBe(tree.tree);
    const here = await subtreeOf({ ...files, "apps/web/src/main.rs": "fn main() { }" }, "apps/web");
    expect(here.tree).not.toBe(tree.tree);
    expect((await subtreeOf(files, "")).list()).toHaveLength(5);
  });

  it("builds from everything but its manifests", async () => {
    const web = "apps/web/";
    const nameOf = async (more: Record<string, string>): Promise<string> =>
      nameBuildSource(await subtreeOf({ ...files, ...more }, "apps/web"));
    const name = await nameOf({});
    for (const manifest of [".platform.app.yaml", "bloom.toml", ".platform/routes.yaml"]) {
      expect(await nameOf({ [`${web}${manifest}`]: "name: web" })).toBe(name);
    }
    for (const file of ["Cargo.lock", "inner/bloom.toml", "deploy.sh"]) {
      expect(await nameOf({ [`${web}${file}`]: "name: web" })).not.toBe(name);
    }
  });

  it.each([
    ["a folder that is not there", {}, "apps/none", "ERR_MANIFEST_INVALID", 'no folder "apps/none"'],
    [
      "a link out of it",
      { "apps/web/up": "link: ../../README.md" },
      "apps/web",
      "ERR_SOURCE_UNSAFE",
      "apps/web/up",
    ],
    [
      "a dependency beside it",
      { "apps/web/Cargo.toml": crate('[dependencies]\nshared = { path = "../shared" }\n') },
      "apps/web",
      "ERR_MANIFEST_INVALID",
      "takes shared from ../shared",
    ],
    [
      "a dependency of the workspace above",
      { "apps/web/Cargo.toml": crate("[dependencies]\nserde.workspace = true\n") },
      "apps/web",
      "ERR_MANIFEST_INVALID",
      "takes serde from its workspace",
    ],
    [
      "an edition of the workspace above",
      { "apps/web/Cargo.toml": crate("edition.workspace = true\n") },
      "apps/web",
      "ERR_MANIFEST_INVALID",
      "takes its edition from its workspace",
    ],
    [
      "a workspace that it names",
      { "apps/web/Cargo.toml": crate('workspace = "../.."\n') },
      "apps/web",
      "ERR_MANIFEST_INVALID",
      "belongs to a workspace above it",
    ],
  ])("cannot have %s", async (_, change, root, code, words) => {
    await expect(subtreeOf({ ...files, ...change }, root)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words) as string,
    });
  });

  it("may be a workspace itself", async () => {
    const own = {
      "apps/web/Cargo.toml": '[workspace]\nmembers = ["one"]\n[workspace.package]\nedition = "2021"\n',
      "apps/web/one/Cargo.toml": crate(
        'edition.workspace = true\n[dependencies]\ntwo = { path = "../two" }\n',
      ),
    };
    expect((await subtreeOf({ ...files, ...own }, "apps/web")).list()).toHaveLength(4);
  });
});
