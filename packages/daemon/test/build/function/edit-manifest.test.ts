import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { describe, expect, it } from "vitest";
import { editManifest, type ManifestEdit } from "../../../src/build/function/edit-manifest.js";

const sdk: ManifestEdit = { path: ["dependencies", "ignite"], value: { path: "/sdk/ignite" } };
const strip: ManifestEdit = { path: ["profile", "release", "strip"], value: true };
const bin: ManifestEdit = { path: ["bin"], value: { name: "a", path: "m.rs" }, append: true };

describe("editManifest", () => {
  it("leaves lines where they were", () => {
    const text = '[package] # mine\nname = "a"\n\n[dependencies]\nignite = "*" # the SDK\nuuid = "1"\n';
    expect(editManifest(text, [sdk, strip, bin])).toBe(
      [
        "[package] # mine",
        'name = "a"',
        "",
        "[dependencies]",
        'ignite = { path = "/sdk/ignite" }',
        'uuid = "1"',
        "",
        "# Added for the build.",
        "",
        "[profile.release]",
        "strip = true",
        "",
        "[[bin]]",
        'name = "a"',
        'path = "m.rs"',
        "",
      ].join("\n"),
    );
    expect(editManifest(text, [])).toBe(text);
  });

  it.each([
    ["a table by a header", '[dependencies.ignite]\nversion = "*"\nfeatures = ["a"]'],
    ["a table on several lines", 'dependencies.ignite = { version = "*", features = [\n"a"\n] }'],
    ["dotted keys", 'dependencies.ignite.version = "*"\n[profile]\nrelease.lto = true'],
    [
      "inline tables",
      'dependencies = { ignite = "*" }\nprofile = { release = { lto = true } }\nbin = [{ name = "b" }]',
    ],
    ["quoted names", '["dependencies"]\n"ignite" = "*"\n[profile."release"]\nlto = true'],
    ["a profile that is there", "[profile.release]\nlto = true\n[dependencies]"],
    ["windows' line ends", '[package]\r\nname = "a"\r\n[dependencies]\r\nignite = "*"\r\n'],
    ["no line end", "[package]"],
    ["nothing", ""],
    ["a date and a number", "[package.metadata]\nat = 2026-01-02T03:04:05Z\nn = 1.5\n"],
  ])("says what it must with %s", (_, text) => {
    const before = parse(text);
    const after = parse(editManifest(text, [sdk, strip, bin]));
    expect(after["dependencies"]).toEqual({ ignite: { path: "/sdk/ignite" } });
    expect(after["profile"]).toMatchObject({ release: { strip: true } });
    expect((after["bin"] as unknown[]).at(-1)).toEqual({ name: "a", path: "m.rs" });
    expect(after["package"]).toEqual(before["package"]);
  });

  it("changes what it is asked to change, and nothing else, in any manifest", () => {
    const key = fc.constantFrom("ignite", "serde", "a.b", "x y", "é", "target");
    const wish = fc.oneof(fc.string(), fc.record({ version: fc.string(), features: fc.array(fc.string()) }));
    const manifest = fc.record(
      {
        package: fc.record({ name: fc.string() }),
        dependencies: fc.dictionary(key, wish),
        profile: fc.record({
          release: fc.dictionary(fc.constantFrom("lto", "strip", "panic"), fc.boolean()),
        }),
        target: fc.dictionary(key, fc.record({ dependencies: fc.dictionary(key, wish) })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(manifest, key, fc.string(), (table, name, value) => {
        const text = stringify(table);
        const edit = { path: ["dependencies", name], value: { version: value } };
        const after = parse(editManifest(text, [edit, strip]));
        const wanted = structuredClone(parse(text)) as Record<string, Record<string, unknown>>;
        (wanted["dependencies"] ??= {})[name] = { version: value };
        const profile = (wanted["profile"] ??= {});
        profile["release"] = { ...(profile["release"] as object), strip: true };
        expect(after).toEqual(parse(stringify(wanted)));
      }),
    );
  });
});
