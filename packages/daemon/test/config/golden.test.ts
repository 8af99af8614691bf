import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { formatProblem } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { casesFolder, differenceFromPlain, listCases, loadCase } from "./manifest-cases.js";

/** `UPDATE_FIXTURES=1 npx vitest run packages/daemon/test/config` writes the expectations anew: read the diff. */
const isUpdate = process.env["UPDATE_FIXTURES"] !== undefined;

describe("valid manifests", () => {
  const cases = listCases("valid");

  it("has cases", () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
  });

  it.each(cases)("%s", (name) => {
    const { config, problems } = loadCase("valid", name);
    const found = { config: differenceFromPlain(config), warnings: problems.map(formatProblem) };
    const file = `${casesFolder}valid/${name}/expected.json`;
    if (isUpdate) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
    expect(config).not.toBeNull();
    expect(existsSync(file)).toBe(true);
    expect(found).toEqual(JSON.parse(readFileSync(file, "utf8")));
  });
});

describe("invalid manifests", () => {
  const cases = listCases("invalid");

  it("has cases", () => {
    expect(cases.length).toBeGreaterThanOrEqual(80);
  });

  it.each(cases)("%s", (name) => {
    const { config, problems } = loadCase("invalid", name);
    const found = problems.map((problem) => `${formatProblem(problem)}\n`).join("");
    const file = `${casesFolder}invalid/${name}/expected.txt`;
    if (isUpdate) writeFileSync(file, found);
    expect(config).toBeNull();
    expect(problems.some(({ severity }) => severity === "error")).toBe(true);
    expect(found).toBe(readFileSync(file, "utf8"));
  });
});
