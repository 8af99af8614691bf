import { BloomError } from "@bloomery/contract";
import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { describe, expect, it } from "vitest";
import { planOverlay } from "../../../src/build/function/plan-overlay.js";

const handler = "#[ignite::main]\nfn handler() {}\n";
const scalar = fc.oneof(fc.string(), fc.boolean(), fc.integer(), fc.date({ noInvalidDate: true }));
const wish = fc.oneof(
  fc.constantFrom("*", "1", "0.1", "9"),
  scalar,
  fc.record(
    {
      version: fc.oneof(fc.constantFrom("*", "1"), scalar),
      path: fc.constantFrom("x", "../x", "/x"),
      workspace: fc.boolean(),
      features: fc.oneof(fc.array(fc.string()), scalar),
      package: fc.constantFrom("ignite", "serde", "other"),
    },
    { requiredKeys: [] },
  ),
);
const crate = fc.constantFrom("ignite", "serde", "serde_json", "serde-json", "tokio", "uuid", "a b");
const odd = <T>(good: fc.Arbitrary<T>) => fc.oneof({ weight: 9, arbitrary: good }, scalar);
const dependencies = fc.dictionary(crate, wish);
const manifest = fc.record(
  {
    package: odd(
      fc.record(
        { name: fc.constantFrom("hello", "a-b"), autobins: fc.boolean() },
        { requiredKeys: ["name"] },
      ),
    ),
    lib: odd(
      fc.record(
        { path: fc.constantFrom("src/lib.rs", "no.rs"), "crate-type": odd(fc.array(fc.string())) },
        { requiredKeys: [] },
      ),
    ),
    bin: odd(fc.array(fc.record({ name: fc.string(), path: fc.constantFrom("src/main.rs", "b.rs") }))),
    dependencies: odd(dependencies),
    target: odd(fc.dictionary(fc.string(), odd(fc.record({ dependencies: odd(dependencies) })))),
    workspace: odd(fc.record({ dependencies: odd(dependencies) }, { requiredKeys: [] })),
    profile: odd(fc.record({ release: odd(fc.record({ panic: odd(fc.constant("abort")) })) })),
    features: fc.dictionary(fc.string(), fc.array(fc.string())),
  },
  { requiredKeys: ["package"] },
);

describe("any manifest", () => {
  it("is either refused by a code with a place, or becomes one that has the SDK and a program", () => {
    let planned = 0;
    fc.assert(
      fc.property(manifest, fc.constantFrom("src/lib.rs", "src/main.rs"), (table, file) => {
        const text = stringify(table);
        const files: Readonly<Record<string, string>> = { "Cargo.toml": text, [file]: handler };
        const sources = { list: () => Object.keys(files), read: (path: string) => files[path] };
        try {
          const plan = planOverlay({
            sources,
            sdk: { path: "/sdk", version: "0.1.0", lockfile: null },
            dependencies: [],
          });
          planned++;
          const after = parse(plan.files.get("Cargo.toml") ?? "");
          const before = parse(text);
          // The SDK may be asked for on some platforms only, which is the author's business.
          const all = JSON.stringify([after["dependencies"], after["target"] ?? null]);
          expect(all).toContain('"path":"/sdk"');
          expect(after["features"]).toEqual(before["features"]);
          expect(JSON.stringify(after["profile"])).not.toContain("abort");
          expect(plan.bin).not.toBe("");
          expect(plan.files.size).toBe(plan.handler.form === "lib" ? 2 : 1);
        } catch (error) {
          if (!(error instanceof BloomError)) throw error;
          expect(error.code).toBe("ERR_MANIFEST_INVALID");
          expect(error.where).toMatchObject({ line: expect.any(Number) as unknown });
        }
      }),
      { numRuns: 1000 },
    );
    expect(planned).toBeGreaterThan(20);
  });

  it("may be any text", () => {
    const piece = fc.constantFrom(
      "[package]",
      "name",
      "=",
      '"hello"',
      "\n",
      "[",
      "]",
      "{",
      "}",
      "dependencies",
      "ignite",
      "'",
      "#",
      ".",
      "\r\n",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const files: Readonly<Record<string, string>> = {
          "Cargo.toml": pieces.join(""),
          "src/lib.rs": handler,
        };
        const sources = { list: () => Object.keys(files), read: (path: string) => files[path] };
        try {
          planOverlay({ sources, sdk: { path: "/sdk", version: "0.1.0", lockfile: null }, dependencies: [] });
        } catch (error) {
          expect(error).toBeInstanceOf(BloomError);
        }
      }),
    );
  });
});
