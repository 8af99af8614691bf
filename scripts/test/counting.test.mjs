import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCounts, parseCargoOutput, parseNodeOutput, parseVitestReport } from "../lib/count-tests.mjs";
import { renderErrorReference } from "../lib/error-reference.mjs";
import { formatDuration } from "../lib/steps.mjs";

test("cargo's closing lines are added up over all binaries", () => {
  const output = [
    "running 3 tests",
    "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    "   Doc-tests control",
    "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
  ].join("\n");
  assert.deepEqual(parseCargoOutput(output), { passed: 5, failed: 1, skipped: 1 });
});

test("vitest's report and Node's closing lines are understood", () => {
  const report = { numPassedTests: 7, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 };
  assert.deepEqual(parseVitestReport(JSON.stringify(report)), { passed: 7, failed: 2, skipped: 2 });
  const closing = "ℹ tests 4\nℹ pass 2\nℹ fail 1\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\n";
  assert.deepEqual(parseNodeOutput(closing), { passed: 2, failed: 1, skipped: 1 });
});

test("the closing line names skipped tests only when there are some", () => {
  assert.equal(formatCounts({ passed: 12, failed: 0, skipped: 0 }), "tests: 12 passed, 0 failed");
  assert.equal(formatCounts({ passed: 12, failed: 1, skipped: 3 }), "tests: 12 passed, 1 failed, 3 skipped");
});

test("durations read well at every size", () => {
  assert.deepEqual([0, 12.4, 1234, 59_940, 125_000].map(formatDuration), [
    "0 ms",
    "12 ms",
    "1.2 s",
    "59.9 s",
    "2 m 05 s",
  ]);
});

test("the error reference has one row per code and keeps its columns whole", () => {
  const text = renderErrorReference({ ERR_X: { status: 404, exit: 5, when: "a|b", hint: "Look." } });
  assert.match(text, /^\| `ERR_X` \| 404 \| 5 \| a\\\|b \| Look\. \|$/m);
});
