import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const results = fileURLToPath(new URL("../results", import.meta.url));
const page = fileURLToPath(new URL("../../docs/performance.md", import.meta.url));

/** docs/performance.md from the newest results of every suite. */
export function renderPerformance() {
  const suites = readdirSync(results)
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .map((name) => JSON.parse(readFileSync(`${results}/${name}`, "utf8")));
  const lines = [
    "# Performance",
    "",
    "Written by `npm run bench` from `bench/results/`. Both sides of a comparison run in turn in one run, so ratios hold",
    "on a machine whose speed drifts; absolute figures are this machine's. What misses its target is here too.",
    "",
  ];
  for (const { suite, about, date, machine, rows } of suites) {
    lines.push(
      `## ${suite}`,
      "",
      ...(about === undefined ? [] : [about, ""]),
      `${date.slice(0, 10)}, ${machine.cores} cores, Node ${machine.node}.`,
      "",
      "| what | result | target | |",
      "| --- | --- | --- | --- |",
      ...rows.map(
        (row) =>
          `| ${row.what}${row.peer === undefined ? "" : `; peer: ${row.peer}`} | ${row.result} | ${row.target} | ${row.met ? "met" : "**missed**"} |`,
      ),
      "",
    );
  }
  writeFileSync(page, lines.join("\n"));
}
