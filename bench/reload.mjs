import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { completeConfig } from "@bloomery/contract";
import { planNginxPaths } from "../packages/daemon/dist/route/nginx-paths.js";
import { planNginx } from "../packages/daemon/dist/route/plan-nginx.js";
import { planRoutes } from "../packages/daemon/dist/route/plan-routes.js";
import { openNginx, readNginxVersion } from "../packages/daemon/dist/route/run-nginx.js";
import { localDir } from "../scripts/lib/paths.mjs";
import { findFreePort, makeFolder, startWrk, summarize } from "./lib/platform.mjs";

const rounds = 10;
const apps = 200;
const locations = 20;
const binary = "/usr/sbin/nginx";

/** nginx with the routes of many apps: how long a change of one takes, and what a client sees of it. */
export async function measure() {
  const home = makeFolder("reload");
  chmodSync(home, 0o711);
  const prefix = join(home, "nginx");
  const tree = join(home, "app");
  mkdirSync(join(tree, "public"), { recursive: true });
  writeFileSync(join(tree, "public/file.txt"), "x".repeat(1024));
  const port = await findFreePort();
  const version = await readNginxVersion(binary);
  const listen = { address: "127.0.0.1", port };
  const nginx = await openNginx({
    prefix,
    program: { binary, version, user: null },
    shimPath: join(localDir, "bin", "bloom-shim"),
    listen,
    log: { warn: (...words) => console.error(...words) },
  });
  const facts = {
    paths: planNginxPaths(prefix),
    listen: [listen],
    version,
    workers: 2,
    workerUser: null,
    modules: [],
    stream: null,
  };
  const apply = (generation) => nginx.apply(planNginx(planRoutes(makeTargets(tree, generation)), facts));
  try {
    await apply(0);
    const reloads = [];
    for (let round = 0; round < rounds; round++) reloads.push(await reload(await nginx.pid()));
    const quiet = [];
    for (let round = 1; round <= rounds; round++) {
      const begin = performance.now();
      await apply(round);
      quiet.push(performance.now() - begin);
    }
    const load = startWrk(`http://127.0.0.1:${port}/l1/file.txt`, "app0-local.localhost", 15);
    const loaded = [];
    for (let round = 1; round <= rounds; round++) {
      const begin = performance.now();
      await apply(rounds + round);
      loaded.push(performance.now() - begin);
    }
    const counted = await load;
    const [bare, still, busy] = [reloads, quiet, loaded].map(summarize);
    const hasMinimum = version[0] > 1 || version[1] > 27 || (version[1] === 27 && version[2] >= 4);
    return [
      {
        what: `nginx's reload with ${apps} apps of ${locations} locations: from the signal until no old worker accepts`,
        result: `${bare.median.toFixed(0)} ms (${bare.min.toFixed(0)} to ${bare.max.toFixed(0)})`,
        target: "≤ 300 ms",
        met: bare.median <= 300,
        ms: bare,
      },
      {
        what: `one changed route among ${apps} apps with ${locations} locations each: planned, written, in force`,
        result: `${still.median.toFixed(0)} ms (${still.min.toFixed(0)} to ${still.max.toFixed(0)})`,
        target: "≤ 450 ms",
        met: still.median <= 450,
        ms: still,
        loadedMs: busy,
      },
      {
        what: `${rounds} reloads at full keep-alive load, nginx ${version.join(".")}`,
        result: `${counted.failed} failed of ${counted.requests}`,
        target: hasMinimum ? "0 failed" : "counted: this nginx has no keepalive_min_timeout",
        met: hasMinimum ? counted.failed === 0 : counted.requests > 0,
        ...counted,
      },
    ];
  } finally {
    await nginx.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

/** One reload of what nginx has already, in milliseconds. */
async function reload(master) {
  const before = new Set(workersOf(master));
  const begin = performance.now();
  process.kill(master, "SIGHUP");
  for (;;) {
    const now = workersOf(master);
    if (now.length > 0 && now.every((pid) => !before.has(pid))) break;
    await delay(1);
  }
  const took = performance.now() - begin;
  // Old workers must be gone before the next one is measured.
  while (readChildren(master).some((pid) => before.has(pid))) await delay(10);
  return took;
}

/** Workers that accept connections; the others say in their title that they stop. */
function workersOf(master) {
  return readChildren(master).filter((pid) => {
    try {
      return /^nginx: worker process\0*\s*$/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    } catch {
      return false;
    }
  });
}

function readChildren(master) {
  return readFileSync(`/proc/${master}/task/${master}/children`, "utf8").split(" ").filter(Boolean);
}

function makeTargets(tree, generation) {
  return Array.from({ length: apps }, (_, app) => {
    const places = Array.from({ length: locations }, (_unused, index) => [
      `/l${index}`,
      {
        root: "public",
        passthru: index % 2 === 0,
        expiresSeconds: 60 + (app === 0 ? generation : 0),
        rules: index % 5 === 0 ? [{ pattern: "\\.css$", expiresSeconds: 3600 }] : [],
      },
    ]);
    const config = completeConfig({
      web: { start: "x", locations: { "/": {}, ...Object.fromEntries(places) } },
    });
    return {
      environmentId: `e-${app}`,
      org: "local",
      app: `app${app}`,
      environment: "main",
      shape: "web",
      hostNames: [`app${app}-local.localhost`],
      servers: [{ kind: "tcp", address: "127.0.0.1", port: 9 }],
      locations: config.web.locations,
      timeouts: config.web.timeouts,
      holdSeconds: 300,
      holdSocket: `/nonexistent/hold-${app}.sock`,
      mounts: [],
      artifactDir: tree,
      state: "running",
    };
  });
}
