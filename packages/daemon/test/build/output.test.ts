import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openBoundedLog } from "../../src/build/bounded-log.js";
import { createLineSplitter } from "../../src/build/line-splitter.js";
import { createCargoReader, type BuildProgress } from "../../src/build/parse-cargo-output.js";
import { makeTempDir } from "./helpers.js";

function split(bytes: Buffer, piece = bytes.length): [string, string][] {
  const found: [string, string][] = [];
  const splitter = createLineSplitter((text, kind) => found.push([kind, text]));
  for (let at = 0; at < bytes.length; at += Math.max(1, piece))
    splitter.push(bytes.subarray(at, at + Math.max(1, piece)));
  splitter.end();
  return found;
}

/** As cargo 1.95 wrote it, with its verbose and progress settings on. */
const recorded = [
  "   Compiling probe v0.1.0 (/app)\n",
  "    Building [                             ] 0/4: probe(build.rs)                                 \r",
  "   Compiling itoa v1.0.18\n",
  "    Building [                             ] 0/4: itoa, probe(build.rs)                           \r",
  "     Running `/rust/bin/rustc --crate-name itoa --edition=2021 /home/build/x.rs --cap-lints allow`\n",
  "     Running `/app/target/release/build/probe-bce5e0bfa680aab3/build-script-build`\n",
  "    Building [======>                      ] 1/4: itoa, probe(build)                              \r",
  "warning: probe@0.1.0: hello from build\n",
  "    Building [=============>               ] 2/4: itoa                                            \r",
  "    Building [====================>        ] 3/4: probe(bin)                                      \r",
  "    Finished `release` profile [optimized] target(s) in 0.63s\n",
].join("");

const recordedEdit = `       Fresh itoa v1.0.18
       Dirty probe v0.1.0 (/app): the file \`src/main.rs\` has changed (1795236552.018760640s, 1s after last build at 1795236551.821123584s)
   Compiling probe v0.1.0 (/app)
error[E0308]: mismatched types
 --> src/main.rs:1:24
error: could not compile \`probe\` (bin "probe") due to 1 previous error

Caused by:
  process didn't exit successfully: \`/rust/bin/rustc --crate-name probe --edition=2024 src/main.rs\` (exit status: 1)
`;

function readCargo(text: string): {
  lines: string[];
  progress: BuildProgress[];
  stats: ReturnType<ReturnType<typeof createCargoReader>["stats"]>;
} {
  const progress: BuildProgress[] = [];
  const reader = createCargoReader((one) => progress.push(one));
  const lines = split(Buffer.from(text)).flatMap(([kind, line]) => reader.read(line, kind as "line"));
  return { lines: [...lines, ...reader.end()], progress, stats: reader.stats() };
}

describe("createLineSplitter", () => {
  it("tells lines from what is written over", () => {
    expect(split(Buffer.from("a\r\nbar 1\rbar 2\rb\n\nlast"))).toEqual([
      ["line", "a"],
      ["transient", "bar 1"],
      ["transient", "bar 2"],
      ["line", "b"],
      ["line", ""],
      ["line", "last"],
    ]);
  });

  it("gives the same wherever the stream is cut", () => {
    const whole = split(Buffer.from(`${recorded}ä€😀\r\nend\r`));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (piece) => {
        expect(split(Buffer.from(`${recorded}ä€😀\r\nend\r`), piece)).toEqual(whole);
      }),
    );
  });

  it("cuts endless lines and removes what would steer a terminal", () => {
    const long = split(Buffer.from("x".repeat(40_000)), 4096);
    expect(long.map(([, text]) => text.length)).toEqual([16_384, 16_384, 7232]);
    expect(split(Buffer.from("\u001b[31mred\u001b[0m \u001b]0;title\u0007\u0008\u001b[2Jx\n"))).toEqual([
      ["line", "red x"],
    ]);
  });
});

describe("createCargoReader", () => {
  it("reports progress and keeps the log free of bars and command lines", () => {
    const { lines, progress, stats } = readCargo(recorded);
    expect(lines).toEqual([
      "   Compiling probe v0.1.0 (/app)",
      "   Compiling itoa v1.0.18",
      "warning: probe@0.1.0: hello from build",
      "    Finished `release` profile [optimized] target(s) in 0.63s",
    ]);
    expect(progress.map(({ done, total }) => `${done}/${total}`)).toEqual([
      "0/4",
      "0/4",
      "1/4",
      "2/4",
      "3/4",
    ]);
    expect(progress.at(-1)?.current).toBe("probe(bin)");
    expect(stats).toEqual({ units: 4, fresh: 0, compiled: 2, rebuilt: [] });
  });

  it("says why a crate was built again", () => {
    const { lines, stats } = readCargo(recordedEdit);
    expect(stats).toEqual({
      units: null,
      fresh: 1,
      compiled: 1,
      rebuilt: [{ crate: "probe", reason: "the file `src/main.rs` has changed" }],
    });
    expect(lines[0]).toContain("Dirty probe");
    expect(lines.at(-1)).toBe("");
    expect(lines.join("\n")).not.toContain("--crate-name");
  });

  it.each([
    ["       Dirty a v1.0.0: the env variable RUSTFLAGS changed", "a", "the env variable RUSTFLAGS changed"],
    [
      "       Dirty b-c v0.2.0-rc.1 (/app/b): the profile configuration changed",
      "b-c",
      "the profile configuration changed",
    ],
  ])("reads %j", (line, crate, reason) => {
    expect(readCargo(`${line}\n`).stats.rebuilt).toEqual([{ crate, reason }]);
  });

  it("lets other programs' output through, except what they write over", () => {
    const text = "downloading 10%\rdownloading 100%\rdone\nCaused by:\n  something else\nCaused by:";
    expect(readCargo(text).lines).toEqual(["done", "Caused by:", "  something else", "Caused by:"]);
  });
});

describe("openBoundedLog", () => {
  it("keeps all of a short log", async () => {
    const path = join(await makeTempDir(), "log");
    const log = openBoundedLog(path);
    for (const line of ["one", "two"]) expect(log.write(line)).toBe(true);
    await log.close();
    await log.close();
    expect(await readFile(path, "utf8")).toBe("one\ntwo\n");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("keeps beginning and end of a long one and says what is missing", async () => {
    const path = join(await makeTempDir(), "log");
    const log = openBoundedLog(path, { headBytes: 1000, tailBytes: 1000 });
    const shown = Array.from({ length: 10_000 }, (_, index) => log.write(`line ${index}`)).filter(
      Boolean,
    ).length;
    expect(log.tail(2)).toEqual(["line 9998", "line 9999"]);
    await log.close();
    const lines = (await readFile(path, "utf8")).trim().split("\n");
    expect(lines[0]).toBe("line 0");
    expect(lines.at(-1)).toBe("line 9999");
    expect(lines[shown]).toMatch(/^… \d+ lines \(\d+ bytes\) left out …$/);
    const dropped = Number(/(\d+) lines/.exec(lines[shown] ?? "")?.[1]);
    expect(dropped + lines.length - 1).toBe(10_000);
    expect((await stat(path)).size).toBeLessThan(2100);
  });

  it("survives a place it cannot write to", async () => {
    const log = openBoundedLog("/nonexistent/folder/log");
    log.write("x");
    await log.close();
    expect(log.tail(1)).toEqual(["x"]);
  });
});
