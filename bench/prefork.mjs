import { rmSync } from "node:fs";
import { findProgram } from "../scripts/lib/find-program.mjs";
import { makeFolder } from "./lib/platform.mjs";
import { measureMemory, measureStart } from "./lib/prefork-cost.mjs";
import { measureFairness, measureTurmoil } from "./lib/prefork-patience.mjs";
import { compileParts } from "./lib/prefork-sides.mjs";
import { compareBehindNginx, compareClosing, compareIdle, compareKept } from "./lib/prefork-throughput.mjs";

export const about = `One app of the classic kind (a map of variables in; status, headers and body out), served by bloom-prefork and
by Debian's uWSGI, which calls it through a shim that fills the same map. \`8 × 10\` are workers and threads. Load comes from
wrk, and from clients of our own where the wait of each connection counts. Where workers are killed, these do as browsers,
curl and Go do: a GET over a connection that was used before, closed before a byte of the answer came, is sent again once
over a new one. How many would have failed otherwise is told. No wait can be shorter than what the machine takes from everybody:
one row says how long a program stood still that does nothing but look at the clock.`;

const parts = [
  compareClosing,
  compareKept,
  measureFairness,
  compareIdle,
  compareBehindNginx,
  measureTurmoil,
  measureMemory,
  measureStart,
];

/** A prefork host beside uWSGI. */
export async function measure() {
  if (findProgram("uwsgi-core") === undefined) return "uwsgi-core is not installed";
  const folder = makeFolder("prefork");
  try {
    const programs = compileParts(folder);
    const rows = [];
    for (const part of parts) rows.push(...(await part(programs)));
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
