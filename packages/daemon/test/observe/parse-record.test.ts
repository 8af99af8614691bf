import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRecord } from "../../src/observe/parse-record.js";

const fields = {
  execution: "e-1",
  at: 1_790_000_000_000,
  run_us: 1500,
  status: 200,
  error: null,
  request_bytes: 12,
  response_bytes: 34,
  cold: true,
};
const line = (change: object = {}): string =>
  `2026-09-21T14:13:20.123Z record ${JSON.stringify({ ...fields, ...change })}`;

test("a record is what the handler's process has said", () => {
  expect(parseRecord(line())).toEqual({
    ...{
      execution: "e-1",
      startedAt: "2026-09-21T14:13:20.000Z",
      queueUs: 0,
      runUs: 1500,
      status: 200,
      error: null,
    },
    ...{ requestBytes: 12, responseBytes: 34, cold: true, dropped: 0 },
  });
  expect(parseRecord(line({ queue_us: 9, status: 0 }))).toMatchObject({ queueUs: 9, status: 0 });
  expect(parseRecord(line({ dropped: 7, error: "the handler panicked: no" }))).toMatchObject({
    dropped: 7,
    error: "the handler panicked: no",
  });
});

test.each([
  "",
  "2026-09-21T14:13:20.123Z record",
  "2026-09-21T14:13:20.123Z record {}",
  "2026-09-21T14:13:20.123Z record null",
  '2026-09-21T14:13:20.123Z out {"execution":"e-1"}',
  line().slice(0, -1),
  line().replace(" record ", " record+ "),
  line({ execution: "" }),
  line({ execution: "two words" }),
  line({ execution: "nul\u0000" }),
  ` record ${JSON.stringify(fields)}`,
  `t out record ${JSON.stringify(fields)}`,
  line({ execution: "x".repeat(65) }),
  line({ status: 99 }),
  line({ run_us: -1 }),
  line({ at: 1.5 }),
  line({ cold: "yes" }),
  line({ error: 3 }),
  line({ error: "x".repeat(5000) }),
])("%j is none", (text) => {
  expect(parseRecord(text)).toBeUndefined();
});

test("no text whatever is more than passed over", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => `t record ${json}`),
      ),
      (text) => {
        parseRecord(text);
      },
    ),
  );
  fc.assert(
    fc.property(fc.maxSafeNat(), (at) => {
      expect(parseRecord(line({ at }))?.startedAt).toMatch(/Z$/);
    }),
  );
});
