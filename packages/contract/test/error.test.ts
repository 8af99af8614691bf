import { expect, test } from "vitest";
import { nameAppIn, type ErrorDocument } from "../src/index.js";

const plain: ErrorDocument = { code: "ERR_NOT_FOUND", message: "APP is not there" };

test.each([
  ["`bloom versions APP` lists the versions.", "`bloom versions shop` lists the versions."],
  [
    "`bloom log deploy APP` shows it; `bloom redeploy APP` does it.",
    "`bloom log deploy shop` shows it; `bloom redeploy shop` does it.",
  ],
  ["Delete its apps: `bloom app delete ORG:APP`.", "Delete its apps: `bloom app delete ORG:APP`."],
  ["Set APP in `APP=1`.", "Set APP in `APP=1`."],
])("%s", (hint, named) => {
  expect(nameAppIn({ ...plain, hint }, "shop")).toEqual({ ...plain, hint: named });
});

test("an error without a hint stays as it is", () => {
  expect(nameAppIn(plain, "shop")).toEqual(plain);
});
