/** Adds up what the test runners said: `{ passed, failed, skipped }`. */
export function addCounts(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

export const noTests = { passed: 0, failed: 0, skipped: 0 };

/** The report of vitest's json reporter. */
export function parseVitestReport(text) {
  const report = JSON.parse(text);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** The "test result:" lines of `cargo test`, one per binary. */
export function parseCargoOutput(text) {
  const lines = text.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm);
  return [...lines].reduce(
    (sum, [, passed, failed, skipped]) =>
      addCounts(sum, { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) }),
    noTests,
  );
}

/** The closing lines of Node's own runner. */
export function parseNodeOutput(text) {
  const number = (word) => Number(text.match(new RegExp(`^(?:#|ℹ) ${word} (\\d+)`, "m"))?.[1] ?? 0);
  return { passed: number("pass"), failed: number("fail"), skipped: number("skipped") + number("todo") };
}

/** The one line that says how the tests went. */
export function formatCounts({ passed, failed, skipped }) {
  return `tests: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
