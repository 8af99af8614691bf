import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const oxlint = join(root, "node_modules", ".bin", "oxlint");

/** Runs the lint rules of the repository over a folder; returns "path: message" for each broken import rule. */
async function lintImports(folder: string): Promise<string[]> {
  const outcome = await promisify(execFile)(oxlint, ["--format", "json", "."], { cwd: folder }).catch(
    (error: unknown) => error as { stdout: string },
  );
  const report = JSON.parse(outcome.stdout) as {
    diagnostics: { code: string; filename: string; message: string; help?: string }[];
  };
  return report.diagnostics
    .filter((one) => one.code === "eslint(no-restricted-imports)")
    .map((one) => `${one.filename}: ${one.message} ${one.help ?? ""}`);
}

const daemon = "packages/daemon/src";

/** Each file breaks one rule by one import. */
const wrong: readonly (readonly [file: string, statement: string])[] = [
  [`${daemon}/config/a.ts`, 'import { x } from "../build/index.js";'],
  [`${daemon}/config/b.ts`, 'import type { x } from "../observe/x.js";'],
  [`${daemon}/config/deeper/c.ts`, 'import { x } from "../../deploy/walk.js";'],
  [`${daemon}/config/d.ts`, 'import { x } from "../daemon.js";'],
  [`${daemon}/build/a.ts`, 'export * from "../release/secrets.js";'],
  [`${daemon}/build/b.ts`, 'export const x = await import("../run/network/index.js");'],
  [`${daemon}/build/c.ts`, 'import { x } from "../api/server.js";'],
  [`${daemon}/release/a.ts`, 'import { x } from "../run/plan-instance.js";'],
  [`${daemon}/run/a.ts`, 'import { x } from "../route/plan-nginx.js";'],
  [`${daemon}/run/engines/b.ts`, 'import { x } from "../../route/plan-nginx.js";'],
  [`${daemon}/route/a.ts`, 'import { x } from "../observe/read-logs.js";'],
  [`${daemon}/route/b.ts`, 'import { x } from "../run/engines/local.js";'],
  [`${daemon}/observe/a.ts`, 'import { x } from "../deploy/walk.js";'],
  [`${daemon}/store/a.ts`, 'import { x } from "../config/index.js";'],
  [`${daemon}/store/migrations/b.ts`, 'import { x } from "../../release/secrets.js";'],
  [`${daemon}/deploy/a.ts`, 'import { x } from "../api/server.js";'],
  [`${daemon}/deploy/b.ts`, 'import { x } from "../main.js";'],
  [`${daemon}/deploy/c.ts`, 'import { exec } from "node:child_process";'],
  [`${daemon}/daemon.ts`, 'import { execSync } from "node:child_process";'],
  ["packages/contract/src/a.ts", 'import { readFileSync } from "node:fs";'],
  ["packages/contract/src/b.ts", 'import { x } from "@bloomery/daemon/config";'],
  ["packages/cli/src/a.ts", 'import { x } from "../../daemon/src/deploy/walk.js";'],
];

/** Imports that look alike and are in order. */
const right: readonly (readonly [file: string, statement: string])[] = [
  [`${daemon}/build/good.ts`, 'import { x } from "../config/index.js"; import { y } from "./run-build.js";'],
  [`${daemon}/run/good.ts`, 'import { x } from "../store/apps.js"; import { y } from "./engines/local.js";'],
  [
    `${daemon}/observe/good.ts`,
    'import { x } from "../route/x.js"; import { y } from "../run/engines/engine.js";',
  ],
  [
    `${daemon}/deploy/good.ts`,
    'import { x } from "../observe/x.js"; import { spawn } from "node:child_process";',
  ],
  [
    `${daemon}/daemon-good.ts`,
    'import { x } from "./api/server.js"; import { y } from "./run/engines/local.js";',
  ],
  ["packages/contract/src/good.ts", 'import { randomBytes } from "node:crypto"; import { z } from "zod";'],
  [
    "packages/cli/src/good.ts",
    'import { x } from "@bloomery/daemon/config"; import { y } from "@bloomery/contract";',
  ],
];

describe("the import rules", () => {
  const folder = mkdtempSync(join(tmpdir(), "bloom-architecture-"));
  let complaints: string[] = [];

  beforeAll(async () => {
    copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    for (const [file, statement] of [...wrong, ...right]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${statement}\n`);
    }
    complaints = await lintImports(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(wrong)("refuse %s: %s", (file) => {
    expect(complaints.filter((one) => one.startsWith(`${file}: `))).toHaveLength(1);
  });

  test("let everything through that is in order", () => {
    const files = right.map(([file]) => file);
    expect(complaints.filter((one) => files.some((file) => one.startsWith(`${file}: `)))).toEqual([]);
  });

  test("hold in the repository as it is", async () => {
    expect(await lintImports(root)).toEqual([]);
  });
});
