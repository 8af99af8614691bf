import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startMinimalNginx } from "./lib/minimal-nginx.mjs";
import { copyProject, findFreePort, makeFolder, startPlatform, summarize, wrk } from "./lib/platform.mjs";

const rounds = 5;
const duration = 4;
const sizes = { "small.css": 1024, "page.html": 16 * 1024, "picture.bin": 256 * 1024 };

/** Files of an app through our nginx, and the same folder through a hand-written one, in turn. */
export async function measure() {
  const platform = await startPlatform();
  const project = copyProject("examples/web-axum");
  const folder = makeFolder("nginx");
  const port = await findFreePort();
  let nginx;
  try {
    for (const [name, size] of Object.entries(sizes))
      writeFileSync(join(project, "public", name), "x".repeat(size));
    // The peer's workers are nobody in particular.
    chmodSync(project, 0o755);
    await platform.json("deploy", project, "-a", "bench");
    nginx = startMinimalNginx(folder, port, [
      `root ${join(project, "public")};`,
      `access_log ${join(folder, "access.log")} combined buffer=64k flush=1s;`,
      "location / { expires 10m; add_header X-Content-Type-Options nosniff; try_files $uri =404; }",
    ]);
    const rows = [];
    for (const name of Object.keys(sizes)) rows.push(await compare(platform.httpPort, port, name));
    return rows;
  } finally {
    nginx?.kill("SIGTERM");
    await platform.stop();
    for (const path of [project, folder]) rmSync(path, { recursive: true, force: true });
  }
}

async function compare(httpPort, port, name) {
  const host = "bench-local.localhost";
  const [ours, peer, ratios] = [[], [], []];
  let failed = 0;
  await wrk(`http://127.0.0.1:${httpPort}/${name}`, host, 1);
  await wrk(`http://127.0.0.1:${port}/${name}`, host, 1);
  for (let round = 0; round < rounds; round++) {
    const a = await wrk(`http://127.0.0.1:${httpPort}/${name}`, host, duration);
    const b = await wrk(`http://127.0.0.1:${port}/${name}`, host, duration);
    failed += a.failed + b.failed;
    ours.push(a.perSecond);
    peer.push(b.perSecond);
    ratios.push(a.perSecond / b.perSecond);
  }
  const ratio = summarize(ratios);
  return {
    what: `static file of ${sizes[name] / 1024} KiB`,
    peer: "nginx with a hand-written configuration, the same folder, a buffered access log",
    result: `${ratio.median.toFixed(3)} × (${Math.round(summarize(ours).median)}/s beside ${Math.round(summarize(peer).median)}/s)`,
    target: "≥ 0.95 ×",
    met: ratio.median >= 0.95 && failed === 0,
    ratio,
    perSecond: summarize(ours),
    peerPerSecond: summarize(peer),
    failed,
  };
}
