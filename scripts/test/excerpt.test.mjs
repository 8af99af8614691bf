import assert from "node:assert/strict";
import { test } from "node:test";
import { planExcerpt } from "../lib/excerpt.mjs";

test("a failed run is shown from where its runner lists what failed, without colours", () => {
  const output =
    "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nleft: 1\n\u001B[31mright: 2\u001B[39m\n";
  assert.equal(planExcerpt(output, "cargo"), "failures:\n\n---- b stdout ----\nleft: 1\nright: 2");
  const vitest = "✓ one\n⎯⎯⎯ Failed Tests 1 ⎯⎯⎯\n\nFAIL two\n";
  assert.equal(planExcerpt(vitest, "vitest"), "⎯⎯⎯ Failed Tests 1 ⎯⎯⎯\n\nFAIL two");
  const node = "✔ one\n✖ failing tests:\n\n✖ two\n";
  assert.equal(planExcerpt(node, "node"), "✖ failing tests:\n\n✖ two");
});

test("a compiler's first error is where the excerpt begins", () => {
  assert.equal(
    planExcerpt("   Compiling x\nerror[E0308]: mismatched types\n", "cargo"),
    "error[E0308]: mismatched types",
  );
});

test("of output in no known form the end is shown", () => {
  const lines = Array.from({ length: 10 }, (_, index) => `line ${index}`).join("\n");
  assert.equal(planExcerpt(lines, undefined, 2), "… 8 lines left out …\nline 8\nline 9");
  assert.equal(planExcerpt(lines, "vitest", 10), lines);
});

test("of a long list the beginning and the end are kept", () => {
  const lines = ["failures:", ...Array.from({ length: 9 }, (_, index) => `line ${index}`)].join("\n");
  assert.equal(planExcerpt(lines, "cargo", 4), "failures:\nline 0\n… 6 lines left out …\nline 7\nline 8");
});
