import { runChecks } from "./lib/run-checks.mjs";

// `npm run check`: what to run before sending a change; needs neither root nor nginx.
await runChecks("check");
