import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createOutput, type OutputOptions } from "../src/output/output.js";
import { createPhases } from "../src/output/phases.js";
import { formatAge, formatBytes, renderTable } from "../src/output/table.js";

let text: string;
beforeEach(() => {
  text = "";
});

function openPhases(options: Partial<OutputOptions>, now: () => number): ReturnType<typeof createPhases> {
  const stderr = { write: (more: string) => (text += more), columns: 40 };
  const stdout = { write: () => expect.unreachable("progress is not data") };
  const plain = { json: false, quiet: false, verbose: false, color: false, live: false };
  return createPhases(createOutput({ stdout, stderr, ...plain, ...options }), now);
}

describe("without a terminal", () => {
  test("each phase is one plain line with its time", () => {
    let clock = 0;
    const phases = openPhases({}, () => clock);
    phases.enter("compile");
    phases.progress("compile", 3, 7, "serde");
    clock = 1234;
    phases.enter("start", "v4");
    clock = 1300;
    phases.end(false);
    phases.end(true);
    expect(text).toBe("done: compile 3/7 (1.2 s)\nfailed: start v4 (0.1 s)\n");
  });

  test("--quiet shows none, --json shows them where they do not mix with the document", () => {
    const quiet = openPhases({ quiet: true, live: true }, () => 0);
    quiet.enter("compile");
    quiet.end(true);
    expect(text).toBe("");
    const json = openPhases({ json: true }, () => 0);
    json.enter("compile");
    json.end(true);
    expect(text).toBe("done: compile (0.0 s)\n");
  });
});

describe("on a terminal", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("one line redraws itself while time goes by and stays when the phase is over", () => {
    let clock = 0;
    const phases = openPhases({ live: true }, () => clock);
    phases.enter("compile");
    clock = 500;
    vi.advanceTimersByTime(100);
    phases.progress("compile", 1, 2, "a-crate-with-a-very-long-name-indeed");
    phases.print("a remark");
    phases.end(true);
    vi.advanceTimersByTime(1000);
    const drawn = text.split("\r\u001B[2K");
    expect(drawn).toEqual([
      "",
      "› compile 0.0 s",
      "› compile 0.5 s",
      "› compile 1/2 a-crate-with-a-v 0.5 s",
      "a remark\n",
      "› compile 1/2 a-crate-with-a-v 0.5 s",
      "✓ compile 1/2 0.5 s\n",
    ]);
  });
});

test("columns are as wide as their widest cell", () => {
  expect(
    renderTable(
      ["A", "LONG", "C"],
      [
        ["1", "2", "3"],
        ["four", "", "x"],
      ],
      (head) => head,
    ),
  ).toEqual(["A     LONG  C", "1     2     3", "four        x"]);
});

test("ages and sizes are short words", () => {
  const now = Date.parse("2026-01-10T00:00:00Z");
  const ages = [
    "2026-01-09T23:59:18Z",
    "2026-01-09T23:50:00Z",
    "2026-01-09T20:00:00Z",
    "2026-01-01T00:00:00Z",
  ];
  expect(ages.map((time) => formatAge(time, now))).toEqual(["42 s ago", "10 min ago", "4 h ago", "9 d ago"]);
  expect([null, 999, 14_200_000].map(formatBytes)).toEqual(["-", "999 B", "14.2 MB"]);
});
