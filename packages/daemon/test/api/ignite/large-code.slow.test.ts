import { expect, test } from "vitest";
import { ignite } from "@bloomery/contract";
import { codeOf, openIgnite } from "./harness.js";

const hello = "/app/org/hello";

test("the code's own limit decides, not the size of the request, until that is far too large", async () => {
  const { call } = await openIgnite();
  await call("POST", "/app/org", { name: "hello" });
  const over = await call("POST", `${hello}/draft`, codeOf(Buffer.alloc(ignite.codeBytes + 1, "a")));
  expect(over).toMatchObject({ status: 413, body: { error: { code: "ERR_SOURCE_TOO_LARGE" } } });
  const beyond = await call("POST", `${hello}/draft`, codeOf(Buffer.alloc(ignite.codeRequestBytes, "a")));
  expect(beyond).toMatchObject({ status: 413, body: { error: { code: "ERR_BODY_TOO_LARGE" } } });
});
