import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compareEdges } from "./lib/compare-edges.mjs";
import { startMinimalNginx } from "./lib/minimal-nginx.mjs";
import { copyProject, findFreePort, makeFolder, startPlatform } from "./lib/platform.mjs";

const host = "bench-local.localhost";
const sizes = { "small.css": 1024, "page.html": 16 * 1024, "picture.bin": 256 * 1024 };

/** What only somebody writes who knows that the folder never changes while nginx runs, as a release does not. */
const keepOpen = [
  "open_file_cache max=4096 inactive=60s;",
  "open_file_cache_valid 60s;",
  "open_file_cache_errors on;",
];

/** Files of an app through our nginx, and the same folder through a hand-written one, in turn. */
export async function measure() {
  const platform = await startPlatform();
  const project = copyProject("examples/web-axum");
  const peers = [];
  try {
    for (const [name, size] of Object.entries(sizes))
      writeFileSync(join(project, "public", name), "x".repeat(size));
    // The peer's workers are nobody in particular.
    chmodSync(project, 0o755);
    await platform.json("deploy", project, "-a", "bench");
    const { httpPort } = platform;
    const peer = "nginx with a hand-written configuration, the same folder, a buffered access log";
    const plain = await startPeer(join(project, "public"));
    peers.push(plain);
    const rows = [];
    for (const [name, size] of Object.entries(sizes)) {
      const what = `static file of ${size / 1024} KiB`;
      rows.push(await compareEdges({ what, peer, path: `/${name}`, host, httpPort, peerPort: plain.port }));
    }
    const caching = await startPeer(join(project, "public"), keepOpen);
    peers.push(caching);
    const what = "the same of 1 KiB, the peer tuned for a folder that never changes";
    rows.push(
      await compareEdges({
        ...{ what, peer: `${peer}, open_file_cache`, path: "/small.css" },
        ...{ host, httpPort, peerPort: caching.port, isTarget: false },
      }),
    );
    return rows;
  } finally {
    for (const { nginx } of peers) nginx.kill("SIGTERM");
    await platform.stop();
    for (const path of [project, ...peers.map((one) => one.folder)])
      rmSync(path, { recursive: true, force: true });
  }
}

async function startPeer(root, http = []) {
  const folder = makeFolder("nginx");
  const port = await findFreePort();
  const server = [
    `root ${root};`,
    `access_log ${join(folder, "access.log")} combined buffer=64k flush=1s;`,
    "location / { expires 10m; add_header X-Content-Type-Options nosniff; try_files $uri =404; }",
  ];
  return { folder, port, nginx: startMinimalNginx(folder, port, server, http) };
}
