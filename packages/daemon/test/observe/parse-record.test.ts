import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { showControls } from "@bloomery/contract";
import { parsePressure, parseRecord, peekDirectId } from "../../src/observe/parse-record.js";

/** What a record must be, in words that are easier to check. */
const micros = z.number().int().min(0);
const schema = z.object({
  execution: z.string().regex(/^[\w.:-]{1,64}$/),
  at: z.number().int().min(0),
  queue_us: micros.optional(),
  run_us: micros,
  status: z.union([z.literal(0), z.number().int().min(100).max(599)]),
  error: z.string().max(4096).nullable(),
  request_bytes: z.number().int().min(0),
  response_bytes: z.number().int().min(0),
  cold: z.boolean(),
  dropped: z.number().int().min(0).optional(),
});

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
      startedMs: 1_790_000_000_000,
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
        for (const parse of [parseRecord, parsePressure, peekDirectId])
          expect(() => parse(text)).not.toThrow();
      },
    ),
  );
});

/** Values that are right, nearly right or quite wrong. */
const value = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    -1,
    1.5,
    99,
    100,
    200,
    599,
    600,
    2 ** 53,
    1e308,
    true,
    null,
    "",
    "x-1",
    "a b",
    [],
    {},
  ),
  fc.maxSafeNat(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(4096, 4097).map((length) => "e".repeat(length)),
  fc.jsonValue(),
);
const field = fc.constantFrom(...Object.keys(schema.shape), "__proto__", "other");

test("what is a record is what its schema says", () => {
  fc.assert(
    fc.property(
      fc.dictionary(field, value, { maxKeys: 3 }),
      fc.array(field, { maxLength: 1 }),
      (change, without) => {
        const document: Record<string, unknown> = { ...fields, ...change };
        for (const name of without) delete document[name];
        const text = JSON.stringify(document);
        const { success, data } = schema.safeParse(JSON.parse(text));
        expect(parseRecord(`t record ${text}`)).toEqual(
          success
            ? {
                ...{ execution: data.execution, startedMs: data.at, runUs: data.run_us },
                ...{ queueUs: data.queue_us ?? 0, dropped: data.dropped ?? 0, status: data.status },
                ...{ requestBytes: data.request_bytes, responseBytes: data.response_bytes },
                ...{ cold: data.cold, error: data.error === null ? null : showControls(data.error) },
              }
            : undefined,
        );
      },
    ),
    { numRuns: 2000 },
  );
});

const id = `x-${"0123456789abcdef".repeat(2)}`;

test("the id of an ordinary record is seen without reading it, whatever else it says", () => {
  expect(peekDirectId(line({ execution: id }))).toBe(id);
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.boolean(), (error, cold) => {
      const text = line({ execution: id, error, cold });
      expect(peekDirectId(text)).toBe(id);
      expect(parseRecord(text)?.execution).toBe(id);
    }),
  );
});

test.each([
  ["somebody waits for it", line({ execution: "x-awaited" })],
  ["it is of a queue", line({ execution: `e${id}` })],
  ["others were lost before it", line({ execution: id, dropped: 3 })],
  ["it was cut", line({ execution: id }).slice(0, -1)],
  ["the id is cut", line({ execution: id }).slice(0, 70)],
  ["the id is not one", line({ execution: id.replace("a", "A") })],
  ["the id is longer", line({ execution: `${id}0` })],
  ["its id comes later", `t record ${JSON.stringify({ other: 1, ...fields, execution: id })}`],
  ["it is no record", `t out ${JSON.stringify({ ...fields, execution: id })}`],
  ["the function wrote it", `t out record ${JSON.stringify({ ...fields, execution: id })}`],
  ["it is of the load", 't record {"pressure":{"running":1,"waiting":2},"at":3}'],
])("a record is read whole when %s", (_why, text) => {
  expect(peekDirectId(text)).toBeUndefined();
});

test("a line about the load is told apart from all others", () => {
  const pressure = '{"pressure":{"running":1,"waiting":2},"at":3}';
  expect(parsePressure(`t record ${pressure}`)).toEqual({ running: 1, waiting: 2, at: 3 });
  for (const text of [pressure, `t out record ${pressure}`, `t record {"x":${pressure}}`, line()])
    expect(parsePressure(text)).toBeUndefined();
});
