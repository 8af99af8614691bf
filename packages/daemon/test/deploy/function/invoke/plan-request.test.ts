import fc from "fast-check";
import { expect, test } from "vitest";
import { planRequest } from "../../../../src/deploy/function/invoke/plan-request.js";

const facts = { execution: "x-1", org: "acme", app: "hello", timeoutMs: 1000, now: 1_000_000 };
const plan = (http: object, payload = "", more: object = {}) =>
  planRequest(
    {
      http: { method: "POST", path: "/", query: "", headers: {}, ...http },
      payload: Buffer.from(payload),
    },
    { ...facts, ...more },
  );

test.each([
  [{}, "/"],
  [{ path: "/a/b" }, "/a/b"],
  [{ path: "/a", query: "b=c" }, "/a?b=c"],
  [{ path: "/a", query: "?b=c" }, "/a?b=c"],
  [{ path: "/a?x=1", query: "" }, "/a?x=1"],
  [{ path: "//a/../b" }, "//a/../b"],
])("%j is sent as %s", (http, path) => {
  expect(plan(http).path).toBe(path);
});

test.each(["/a b", "/a\r\nx: y", "/ü", "/a\u0000"])("the path %j is refused", (path) => {
  expect(() => plan({ path })).toThrow("percent-encoded");
});

test.each([
  [{ "bad name": "x" }, '"bad name"'],
  [{ "x-own": "a\r\nx-ignite-execution-id: y" }, '"x-own"'],
  [{ "": "x" }, '""'],
])("the headers %j are refused", (headers, named) => {
  expect(() => plan({ headers })).toThrow(`the header ${named} cannot be sent`);
});

test.each([
  ["999999", 1000, "999999"],
  ["1000500", 1000, "1000500"],
  ["1001000", 1000, undefined],
  ["9999999", 1000, undefined],
  ["9999999", 0, "9999999"],
  ["-5", 1000, undefined],
  ["soon", 1000, undefined],
])("a caller's deadline %s with %i ms at most becomes %s", (text, timeoutMs, planned) => {
  const { headers } = plan({ headers: { "X-Ignite-Deadline": text } }, "", { timeoutMs });
  expect(headers["x-ignite-deadline"]).toBe(planned);
});

test("a request without a body says so only where one is expected", () => {
  expect(plan({ method: "GET" }).headers).not.toHaveProperty("content-length");
  expect(plan({ method: "GET" }, "a").headers).toMatchObject({ "content-length": "1" });
  expect(plan({ method: "PUT" }).headers).toMatchObject({ "content-length": "0" });
});

test("whatever a caller's headers are, those of the platform and of the connection are ours", () => {
  const odd = fc.constantFrom(
    ...["X-Ignite-Execution-Id", "x-ignite-function-id", "x-IGNITE-x", "Connection", "Transfer-Encoding"],
    ...["content-length", "TE", "Upgrade", "x-own", "host"],
  );
  const headers = fc.dictionary(fc.oneof(odd, fc.string({ maxLength: 12 })), fc.string({ maxLength: 12 }));
  fc.assert(
    fc.property(headers, (given) => {
      let planned: Readonly<Record<string, string>>;
      try {
        planned = plan({ headers: given }, "ab").headers;
      } catch {
        return;
      }
      const own = Object.entries(planned).filter(([name]) => name.startsWith("x-ignite-"));
      expect(Object.fromEntries(own)).toEqual({
        "x-ignite-execution-id": "x-1",
        "x-ignite-function-id": "acme/hello",
        "x-ignite-organization-id": "acme",
      });
      expect(planned).toMatchObject({ connection: "close", "content-length": "2" });
      for (const name of ["transfer-encoding", "te", "upgrade"]) expect(planned).not.toHaveProperty(name);
      for (const name of Object.keys(planned)) expect(name).toBe(name.toLowerCase());
    }),
  );
});
