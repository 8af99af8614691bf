import { join } from "node:path";
import { generatedFiles } from "./lib/generated-files.mjs";
import { root } from "./lib/paths.mjs";
import { readText, writeWhole } from "./lib/stamps.mjs";
import { reportFailure, StepError } from "./lib/steps.mjs";
import { ensureTypeScript } from "./ensure/typescript.mjs";

// `npm run docs` writes the generated files; with `--check` it only names those that are out of date.
try {
  const isCheck = process.argv.includes("--check");
  await ensureTypeScript(() => {});
  const stale = [];
  for (const { file, render } of generatedFiles) {
    const text = await render();
    if (readText(join(root, file)) === text) continue;
    stale.push(file);
    if (!isCheck) writeWhole(join(root, file), text);
  }
  if (isCheck && stale.length > 0) {
    throw new StepError(`Out of date: ${stale.join(", ")}.`, { hint: "Type: npm run docs" });
  }
  console.log(stale.length === 0 ? "All generated files are up to date." : `Wrote ${stale.join(", ")}.`);
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
