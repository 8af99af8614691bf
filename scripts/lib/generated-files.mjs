import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { renderErrorReference } from "./error-reference.mjs";
import { planLintConfig } from "./lint-rules.mjs";
import { root } from "./paths.mjs";
import { StepError } from "./steps.mjs";

const contract = "packages/contract/dist/index.js";
const config = "packages/daemon/dist/config/index.js";
const cli = "packages/cli/dist/docs.js";
const api = "packages/daemon/dist/api/openapi.js";

/** Every file of the repository that a program writes: where it goes and what it says. */
export const generatedFiles = [
  { file: ".oxlintrc.json", render: async () => toJson(planLintConfig()) },
  { file: "docs/errors.md", render: async () => renderErrorReference(await load(contract, "errorCatalog")) },
  { file: "docs/cli.md", render: async () => (await load(cli, "renderCliReference"))() },
  { file: "docs/manifest.md", render: async () => (await load(config, "renderManifestReference"))() },
  {
    file: "docs/bloom.schema.json",
    render: async () => toJson((await load(config, "bloomTomlJsonSchema"))()),
  },
  { file: "docs/openapi.json", render: async () => toJson(await (await load(api, "buildOpenApi"))()) },
];

/** One export of a compiled module of ours. */
async function load(path, name) {
  const module = await import(pathToFileURL(join(root, path)).href).catch((cause) => {
    throw new StepError(`${path} could not be loaded: ${cause.message}`, {
      hint: "Type: npm run build",
      cause,
    });
  });
  if (module[name] === undefined) throw new StepError(`${path} does not export ${name}.`);
  return module[name];
}

function toJson(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}
