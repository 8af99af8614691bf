import { spawn } from "node:child_process";
import { chmodSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openCaller, readAnswer, writePost } from "./lib/caller.mjs";
import { compareEdges } from "./lib/compare-edges.mjs";
import { compareLatency } from "./lib/compare-latency.mjs";
import { pick } from "./lib/counts.mjs";
import { compileHello, compileIn, publishAll } from "./lib/functions.mjs";
import { startMinimalNginx } from "./lib/minimal-nginx.mjs";
import { copyProject, findFreePort, makeFolder, startPlatform, wrk } from "./lib/platform.mjs";
import { readTicksAtRest } from "./lib/processes.mjs";

const host = "hello-local.localhost";
const body = '{"message":"hello"}';
const script = fileURLToPath(new URL("lib/post.lua", import.meta.url));

export const about = `One published function, open to all, its executions on record, beside hyper 1 alone. The peer's server gives
the same bytes and the same headers, and its nginx logs, passes on and adds what the platform's does for a function. The
platform never sends a POST over a pooled connection, because one that breaks there may have arrived: so the peer does in
the row that is judged, and what pooling would gain is told. Latency is that of one connection to each side, asked in
turn, request by request.`;

/** A function that is awake, its calls on record, beside hyper alone behind a hand-written nginx. */
export async function measure() {
  const platform = await startPlatform();
  const folder = makeFolder("warm");
  const hello = compileHello();
  const children = [];
  try {
    // Elsewhere, because cargo's settings of this repository are for the shim alone.
    const source = copyProject("bench/bare-hyper");
    const bare = compileIn(folder, source, "bare-hyper");
    rmSync(source, { recursive: true });
    await platform.bloom("server", "stop", "--yes");
    await publishAll(platform.home, hello.program, ["hello"]);
    await platform.start();
    const { httpPort } = platform;
    const answer = await callOnce({ port: httpPort, host: "127.0.0.1" });
    const socket = await findSocket(platform);

    const peerSocket = join(folder, "bare.sock");
    children.push(await startBare(bare, folder, peerSocket, answer.body));
    const peerPort = await findFreePort();
    children.push(startMinimalNginx(folder, peerPort, planServer(folder), planHttp(peerSocket)));
    assertAlike(answer, await callPatiently({ port: peerPort, host: "127.0.0.1" }));

    const [ours, theirs] = [httpPort, peerPort].map((port) => ({ port, host: "127.0.0.1" }));
    const edges = { host, httpPort, peerPort };
    const peer = "hand-written nginx in front of hyper alone, the same answers";
    return [
      await compareEdges({ what: "function, GET, executions on record", peer, path: "/", ...edges }),
      await compareEdges({
        ...{ what: "function, POST, executions on record", script, path: "/each", ...edges },
        peer: `${peer}, a connection for each POST there, too`,
      }),
      await compareEdges({
        ...{ what: "the same, told only", script, path: "/", isTarget: false, ...edges },
        peer: `${peer}, POST over pooled connections (one that breaks may lose a call)`,
      }),
      await compareLatency({
        ...{
          what: "added by SDK and records, one connection to the socket",
          peer: "hyper alone on a socket",
        },
        ...{ ours: { path: socket }, theirs: { path: peerSocket }, write: writeCall },
      }),
      await compareLatency({
        ...{ what: "added by the platform, one connection through nginx", peer: `${peer}, both` },
        ...{ ours, theirs, write: () => writePost(host, body) },
      }),
      await describeRecords(platform),
    ];
  } finally {
    for (const child of children) child.kill("SIGTERM");
    await platform.stop();
    hello.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** At full load records and calls share the processor, so what a record costs the daemon is what a call loses. */
async function describeRecords({ httpPort, daemonPid }) {
  const pid = await daemonPid();
  const before = await readTicksAtRest(pid);
  const { requests } = await wrk(`http://127.0.0.1:${httpPort}/`, host, pick(10, 2));
  const microseconds = ((await readTicksAtRest(pid)) - before) * (10_000 / requests);
  return {
    what: "processor time that bloomd takes for the record of a call, at full load",
    ...{ result: `${microseconds.toFixed(1)} µs`, target: "told, not judged", met: true },
    ...{ microseconds, requests },
  };
}

/** Every call has a name of its own, as nginx gives it. */
function writeCall(round) {
  const id = round.toString(16).padStart(32, "0");
  return writePost(host, body, { "x-ignite-execution-id": `x-${id}`, "x-ignite-function-id": "local/hello" });
}

async function callOnce(address) {
  const caller = await openCaller(address);
  try {
    return readAnswer((await caller.ask(writePost(host, body))).text);
  } finally {
    caller.close();
  }
}

/** nginx has just been started. */
async function callPatiently(address) {
  for (let tries = 0; ; tries++) {
    try {
      return await callOnce(address);
    } catch (error) {
      if (error.code !== "ECONNREFUSED" || tries === 500) throw error;
      await delay(20);
    }
  }
}

/** Both sides must do the same work for their caller. */
function assertAlike(ours, theirs) {
  const describe = ({ status, headers, body: text }) => {
    const names = [...headers.keys()]
      .filter((name) => name !== "server")
      .toSorted((a, b) => (a < b ? -1 : 1));
    return `${status} ${names.join(", ")}; ${text.length} bytes`;
  };
  const [one, other] = [ours, theirs].map(describe);
  if (one !== other || ours.status !== 200)
    throw new Error(`the answers are not alike:\n  ours: ${one}\n  peer: ${other}`);
}

async function findSocket(platform) {
  const { instances } = await platform.json("ps", "hello");
  const path = instances[0]?.address.replace(/^unix:/, "");
  if (path === undefined || !existsSync(path))
    throw new Error(`the function has no socket: ${JSON.stringify(instances)}`);
  return path;
}

async function startBare(program, folder, socket, answer) {
  // nginx's workers are nobody in particular.
  chmodSync(folder, 0o755);
  const child = spawn(program, [socket, answer], { stdio: ["ignore", "ignore", "inherit"] });
  while (!existsSync(socket)) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    await delay(20);
  }
  chmodSync(socket, 0o777);
  return child;
}

/** What the platform's nginx does for a function, as somebody writes it by hand who has nothing else to care for. */
function planServer(folder) {
  const headers = {
    ...{
      Host: "$http_host",
      "X-Forwarded-For": "$proxy_add_x_forwarded_for",
      "X-Forwarded-Proto": "$scheme",
    },
    ...{ "X-Forwarded-Host": "$http_host", "X-Real-IP": "$remote_addr" },
    ...{ "x-ignite-execution-id": "x-$request_id", "x-ignite-function-id": "local/hello" },
    "x-ignite-organization-id": "local",
  };
  const proxy = (upstream, connection) => {
    const all = Object.entries({ ...headers, Connection: connection });
    const lines = all.map(([name, value]) => `proxy_set_header ${name} "${value}";`);
    return `{ ${lines.join(" ")} proxy_pass http://${upstream}; }`;
  };
  return [
    `access_log ${join(folder, "access.log")} combined buffer=64k flush=1s;`,
    "client_body_buffer_size 128k;",
    "proxy_http_version 1.1;",
    "add_header x-ignite-execution-id x-$request_id always;",
    "add_header Access-Control-Allow-Origin * always;",
    "add_header Access-Control-Expose-Headers x-ignite-execution-id always;",
    `location / ${proxy("bare", "")}`,
    `location /each ${proxy("bare_each", "close")}`,
  ];
}

function planHttp(socket) {
  return [
    "keepalive_requests 100000;",
    "server_tokens off;",
    `upstream bare { server unix:${socket}; keepalive 64; keepalive_requests 100000; }`,
    `upstream bare_each { server unix:${socket}; }`,
  ];
}
