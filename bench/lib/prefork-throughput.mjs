import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { pick } from "./counts.mjs";
import { startMinimalNginx } from "./minimal-nginx.mjs";
import { findFreePort, makeFolder, summarize, wrk } from "./platform.mjs";
import { assertHello, compare, ms, sum, takeTurns, withPair } from "./prefork-pair.mjs";
import { holdClients, readFirstAnswer } from "./prefork-sides.mjs";

const rounds = pick(5, 1);
const seconds = pick(4, 1);
const shape = { processes: 8, threads: 10 };
const connections = 64;

const load = (port, options = {}) =>
  wrk(`http://127.0.0.1:${port}/`, "localhost", seconds, { connections, ...options });

/** The set-up of uWSGI's Rust plugin as it was published: no length, so each answer ends its connection. */
export function compareClosing(parts) {
  const plan = { ...shape, peerSocket: "--http-socket", handler: "hello_unsized" };
  return withPair(parts, plan, async ({ ours, theirs }) => {
    const headers = ["Connection: close"];
    const { closing, kept, peer } = await takeTurns(rounds, {
      closing: () => load(ours.port, { headers }),
      peer: () => load(theirs.port, { headers }),
      kept: () => load(ours.port),
    });
    const about = "uWSGI, http-socket, an answer without a length";
    const row = (what, runs, wanted) => {
      const compared = compare(runs, peer);
      const failed = sum(runs, "failed");
      const met = compared.ratio.median >= wanted && failed === 0;
      return { what, peer: about, target: `≥ ${wanted} ×`, ...compared, met, failed };
    };
    return [
      row("8 × 10, 64 clients, a new connection for each request", closing, 1.8),
      row("the same with ours where clients keep their connections", kept, 6),
    ];
  });
}

/** Both keep connections. */
export function compareKept(parts) {
  return withPair(parts, shape, async ({ ours, theirs }) => {
    const { own, peer } = await takeTurns(rounds, {
      own: () => load(ours.port),
      peer: () => load(theirs.port),
    });
    const compared = compare(own, peer);
    const [p99, peerP99] = [own, peer].map((runs) => summarize(runs.map((run) => run.p99Ms)));
    const failed = sum(own, "failed");
    const about = "uWSGI, http11-socket";
    const what = "8 × 10, 64 connections that are kept";
    return [
      {
        ...{ what, peer: about, target: "≥ 1.1 ×", ...compared, failed },
        met: compared.ratio.median >= 1.1 && failed === 0,
      },
      {
        ...{ what: `${what}: 99 of 100 requests`, peer: about, target: "no longer" },
        result: `${ms(p99.median)} beside ${ms(peerP99.median)}`,
        met: p99.median <= peerP99.median,
        ...{ p99Ms: p99, peerP99Ms: peerP99 },
      },
    ];
  });
}

/** Clients that are connected and silent. */
export function compareIdle(parts) {
  const idle = pick(1000, 200);
  return withPair(parts, shape, async ({ ours, theirs }) => {
    const active = (port) => load(port, { connections: 32, timeout: "2s" });
    const withIdle = async (port) => {
      const held = await holdClients(parts, port, idle);
      const run = await active(port);
      return { ...run, answered: held.answered, ...(await held.release()) };
    };
    const { alone, beside } = await takeTurns(rounds, {
      alone: () => active(ours.port),
      beside: () => withIdle(ours.port),
    });
    const compared = compare(beside, alone);
    const peerAlone = await active(theirs.port);
    const peerBeside = await withIdle(theirs.port);
    const failed = sum(beside, "failed") + sum(beside, "closed");
    return [
      {
        what: `8 × 10, 32 active connections beside ${idle} idle ones`,
        ...{ peer: "ours without the idle ones", target: "≥ 0.9 ×", ...compared, failed },
        met: compared.ratio.median >= 0.9 && failed === 0,
      },
      {
        ...{
          what: "the same with uWSGI",
          peer: "uWSGI without the idle ones",
          target: "told, not judged",
          met: true,
        },
        result: `${Math.round(peerBeside.perSecond)}/s beside ${Math.round(peerAlone.perSecond)}/s`,
        ...{ peerAlone, peerBeside },
      },
    ];
  });
}

/** Through nginx over unix sockets. */
export function compareBehindNginx(parts) {
  return withPair(parts, { ...shape, peerSocket: "" }, async ({ ours, theirs }) => {
    const folder = makeFolder("prefork-nginx");
    // nginx's workers are nobody in particular.
    for (const path of [folder, ours.folder, theirs.folder]) chmodSync(path, 0o755);
    const port = await findFreePort();
    const packets = "include /etc/nginx/uwsgi_params; uwsgi_pass";
    const http = [
      "keepalive_requests 100000;",
      `upstream ours { server unix:${ours.socket}; keepalive 64; keepalive_requests 100000; }`,
    ];
    const nginx = startMinimalNginx(
      folder,
      port,
      [
        'location /ours { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://ours; }',
        `location /packets { ${packets} unix:${ours.packets}; }`,
        // Its plugin for plain C functions has that number.
        `location /uwsgi { uwsgi_modifier1 18; ${packets} unix:${theirs.socket}; }`,
      ],
      http,
    );
    try {
      for (const [side, path] of [
        [ours, "/ours"],
        [ours, "/packets"],
        [theirs, "/uwsgi"],
      ]) {
        assertHello((await readFirstAnswer(side, port, path)).text);
      }
      const through = (path) => () =>
        wrk(`http://127.0.0.1:${port}${path}`, "localhost", seconds, { connections });
      const turns = await takeTurns(rounds, {
        own: through("/ours"),
        peer: through("/uwsgi"),
        packets: through("/packets"),
      });
      const row = (what, runs, target, isMet) => {
        const compared = compare(runs, turns.peer);
        const failed = sum(runs, "failed");
        const met = failed === 0 && isMet(compared.ratio.median);
        return { what, peer: "uWSGI by uwsgi_pass", target, ...compared, met, failed };
      };
      return [
        row(
          "8 × 10 behind nginx over a unix socket, by proxy_pass",
          turns.own,
          "≥ 1.2 ×",
          (ratio) => ratio >= 1.2,
        ),
        row("the same by uwsgi_pass, as the peer", turns.packets, "told, not judged", () => true),
      ];
    } finally {
      const ended = once(nginx, "exit");
      nginx.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
