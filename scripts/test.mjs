import { runChecks } from "./lib/run-checks.mjs";

// `npm test`: everything. `npm test -- --fast`: the same without end to end.
await runChecks(process.argv.includes("--fast") ? "fast" : "all");
