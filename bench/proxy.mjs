import { rmSync } from "node:fs";
import { startMinimalNginx } from "./lib/minimal-nginx.mjs";
import { copyProject, findFreePort, makeFolder, startPlatform, summarize, wrk } from "./lib/platform.mjs";

const rounds = 5;
const duration = 4;

/** Warm requests through our nginx and through a hand-written one, to the very same process, in turn. */
export async function measure() {
  const platform = await startPlatform();
  const project = copyProject("examples/web-hello");
  const folder = makeFolder("nginx");
  const port = await findFreePort();
  let nginx;
  try {
    await platform.json("deploy", project, "-a", "bench");
    const { instances } = await platform.json("ps", "bench");
    nginx = startMinimalNginx(
      folder,
      port,
      [
        'location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }',
      ],
      [`upstream app { server ${instances[0].address}; keepalive 64; }`],
    );
    const host = "bench-local.localhost";
    const ours = [];
    const peer = [];
    const ratios = [];
    let failed = 0;
    await wrk(`http://127.0.0.1:${platform.httpPort}/`, host, 1);
    await wrk(`http://127.0.0.1:${port}/`, host, 1);
    for (let round = 0; round < rounds; round++) {
      const a = await wrk(`http://127.0.0.1:${platform.httpPort}/`, host, duration);
      const b = await wrk(`http://127.0.0.1:${port}/`, host, duration);
      failed += a.failed;
      ours.push(a.perSecond);
      peer.push(b.perSecond);
      ratios.push(a.perSecond / b.perSecond);
    }
    const ratio = summarize(ratios);
    return [
      {
        what: "warm requests through the edge, access records on",
        peer: "hand-written minimal nginx reverse proxy to the same process",
        result: `${ratio.median.toFixed(3)} × (${Math.round(summarize(ours).median)}/s beside ${Math.round(summarize(peer).median)}/s)`,
        target: "≥ 0.95 ×",
        met: ratio.median >= 0.95 && failed === 0,
        ratio,
        perSecond: summarize(ours),
        peerPerSecond: summarize(peer),
        failed,
      },
    ];
  } finally {
    nginx?.kill("SIGTERM");
    await platform.stop();
    for (const path of [project, folder]) rmSync(path, { recursive: true, force: true });
  }
}
