// Measures the platform against its named peers on this machine: `npm run bench [-- [--quick] NAME…]`.
// Every suite runs both sides in turn in one run and writes medians and ranges to bench/results/NAME.json.
// With --quick it only shows that suites run, in small numbers, and writes nothing.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { ensureReady } from "../scripts/ensure/index.mjs";
import { renderPerformance } from "./lib/render.mjs";

const functions = ["warm", "edit", "lambda"];
const suites = [
  "deploy",
  "dependencies",
  "proxy",
  "static",
  "reload",
  "switch",
  "hold",
  "idle",
  "wake",
  "prefork",
  "tcp",
  ...functions,
];
const results = fileURLToPath(new URL("results", import.meta.url));

await ensureReady("bench");
const args = process.argv.slice(2);
const isQuick = args.includes("--quick");
if (isQuick) process.env.BLOOM_BENCH_QUICK = "1";
const wanted = args.filter((arg) => arg !== "--quick");
const unknown = wanted.find((name) => !suites.includes(name));
if (unknown !== undefined) {
  console.error(`There is no suite ${unknown}; there are: ${suites.join(", ")}.`);
  process.exit(2);
}
mkdirSync(results, { recursive: true });
for (const name of wanted.length > 0 ? wanted : suites) {
  console.error(`── ${name}`);
  const { measure, about } = await import(`./${name}.mjs`);
  const rows = await measure();
  if (typeof rows === "string") {
    console.error(`skipped: ${rows}`);
    continue;
  }
  const document = { suite: name, about, date: new Date().toISOString(), machine: describeMachine(), rows };
  if (!isQuick) writeFileSync(`${results}/${name}.json`, `${JSON.stringify(document, null, 2)}\n`);
  for (const row of rows)
    console.error(`${row.met ? "met   " : "MISSED"} ${row.what}: ${row.result} (wanted ${row.target})`);
}
if (!isQuick) renderPerformance();

function describeMachine() {
  const [first] = cpus();
  return { cores: cpus().length, processor: first?.model ?? "unknown", node: process.version };
}
