import { rmSync } from "node:fs";
import { compareEdges } from "./lib/compare-edges.mjs";
import { startMinimalNginx } from "./lib/minimal-nginx.mjs";
import { copyProject, findFreePort, makeFolder, startPlatform } from "./lib/platform.mjs";

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
    return [
      await compareEdges({
        what: "warm requests through the edge, access records on",
        peer: "hand-written minimal nginx reverse proxy to the same process",
        ...{ path: "/", host: "bench-local.localhost", httpPort: platform.httpPort, peerPort: port },
      }),
    ];
  } finally {
    nginx?.kill("SIGTERM");
    await platform.stop();
    for (const path of [project, folder]) rmSync(path, { recursive: true, force: true });
  }
}
