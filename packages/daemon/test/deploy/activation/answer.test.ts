import { BloomError } from "@bloomery/contract";
import { expect, test } from "vitest";
import { explainRefusal, tellCaller, tellVisitor } from "../../../src/deploy/activation/answer.js";

const browser = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html,*/*\r\n\r\n");
const curl = Buffer.from("GET /?accept:text/html HTTP/1.1\r\nAccept: */*\r\n\r\ntext/html");

test.each([
  ["ERR_START_FAILED", 502, null, "could not be started"],
  ["ERR_NOT_READY", 504, null, "took too long to start"],
  ["ERR_INSTANCE_LOST", 502, null, "did not answer"],
  ["ERR_QUEUE_FULL", 503, 1, "Too many requests wait"],
  ["ERR_APP_STOPPED", 503, 1, "is stopped"],
  ["ERR_NOTHING_DEPLOYED", 503, 1, "could not be started"],
] as const)("%s is %i, with words for browsers and for others", (code, status, retryAfter, words) => {
  const refusal = explainRefusal(new BloomError(code, "a secret reason\nand more"));
  expect(refusal).toMatchObject({ status, retryAfter });
  const page = tellVisitor(refusal, browser);
  expect(page).toMatchObject({ type: "text/html; charset=utf-8", body: expect.stringContaining(words) });
  const text = tellVisitor(refusal, curl);
  expect(text.type).toBe("text/plain; charset=utf-8");
  expect(text.body).toMatch(new RegExp(`^${status} .*${words}`));
  expect(page.body + text.body).not.toContain("secret");
});

test("functions tell their callers the code and the first line, but nothing that is our own fault", () => {
  const told = (error: unknown) =>
    JSON.parse(tellCaller(explainRefusal(error), Buffer.alloc(0)).body) as unknown;
  expect(told(new BloomError("ERR_START_FAILED", "it ends\nat once"))).toEqual({
    code: "ERR_START_FAILED",
    error: "it ends",
  });
  expect(told(new Error("/var/lib/secret"))).toEqual({
    code: "ERR_INTERNAL",
    error: "it could not be started",
  });
});
