import { BloomError, findSourceProblem } from "@bloomery/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { receiveCode } from "../../../src/build/function/receive-code.js";
import { openSourceStore } from "../../../src/build/source-store.js";
import { makeTar, makeTempDir } from "../helpers.js";
import { lib, manifest, tarGz, toZip, type Part } from "./lay-code.js";
import { makeZip } from "./make-zip.js";

describe("any archive", () => {
  const name = fc.constantFrom(
    "..",
    ".",
    "",
    "a",
    "B",
    "b",
    "src",
    "Cargo.toml",
    "\\",
    "C:",
    "é",
    "e\u0301",
    "x\0",
    ".git",
  );
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
  const type = fc.constantFrom("0", "0", "0", "2", "5");
  const part = fc.record({ path, type, link: path });

  it("is either refused by a code, or laid out below its folder, no two names alike", async () => {
    const store = await openSourceStore(await makeTempDir());
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), fc.boolean(), async (parts, isZip) => {
        const all = [
          { path: "Cargo.toml", body: manifest },
          ...parts.map(({ link, ...one }) => withLink(one, link)),
        ];
        try {
          const { tree } = await receiveCode(
            store,
            { kind: "bytes", bytes: isZip ? makeZip(all.map(toZip)) : tarGz(all) },
            { app: "hello" },
          );
          accepted++;
          const { entries } = await store.openTree(tree);
          expect(findSourceProblem(entries)).toBeNull();
          const folded = entries.map((entry) => entry.path.normalize("NFC").toLowerCase());
          expect(new Set(folded).size).toBe(folded.length);
          expect(entries.filter((entry) => /\\|^[A-Za-z]:|(^|\/)\.git(\/|$)/.test(entry.path))).toEqual([]);
        } catch (error) {
          if (!(error instanceof BloomError)) throw error;
          expect(error.code).toMatch(/^ERR_(SOURCE_UNSAFE|INVALID_ARGUMENT)$/);
        }
      }),
      { numRuns: 300 },
    );
    expect(accepted).toBeGreaterThan(10);
  });

  it("is never a surprise, whichever of its bytes are wrong", async () => {
    const store = await openSourceStore(await makeTempDir());
    const parts = [
      { path: "Cargo.toml", body: manifest },
      { path: "src/lib.rs", body: lib },
    ];
    const whole = [makeZip(parts.map(toZip)), makeTar(parts), tarGz(parts)];
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.nat(), fc.nat(255), async (which, at, byte) => {
        const bytes = Buffer.from(whole[which] ?? "");
        bytes[at % bytes.length] = byte;
        const received = receiveCode(store, { kind: "bytes", bytes }, { app: "hello" });
        await received.catch((error: unknown) => expect(error).toBeInstanceOf(BloomError));
      }),
      { numRuns: 600 },
    );
  });
});

function withLink(part: { path: string; type: string }, link: string): Part {
  return part.type === "2" ? { ...part, link } : part;
}
