import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { copyProject, edit, startPlatform, startWrk } from "./lib/platform.mjs";

const host = "bench-local.localhost";

/** Full load with keep-alive while versions change, and while there is no daemon: not one request may fail. */
export async function measure() {
  const platform = await startPlatform();
  const project = copyProject("examples/web-hello");
  const url = `http://127.0.0.1:${platform.httpPort}/`;
  try {
    await platform.json("deploy", project, "-a", "bench");
    const load = startWrk(url, host, 75);
    await delay(500);
    for (let round = 0; round < 10; round++) {
      edit(join(project, "src/main.rs"), (text) =>
        text.replace(/Hello from Rust.*?This/, `Hello from Rust ${round}! This`),
      );
      await platform.json("deploy", project, "-a", "bench");
    }
    for (let round = 0; round < 5; round++) await platform.json("rollback", "bench", String(3 + round));
    const switched = await load;

    const alone = startWrk(url, host, 10);
    await delay(200);
    process.kill(await platform.daemonPid(), "SIGKILL");
    const orphaned = await alone;
    await platform.start();
    return [
      {
        what: "ten deploys and five rollbacks at full load, keep-alive",
        result: `${switched.failed} failed of ${switched.requests}`,
        target: "0 failed",
        met: switched.failed === 0 && switched.requests > 0,
        ...switched,
      },
      {
        what: "ten seconds without the daemon (kill -9) at full load",
        result: `${orphaned.failed} failed of ${orphaned.requests}`,
        target: "0 failed",
        met: orphaned.failed === 0 && orphaned.requests > 0,
        ...orphaned,
      },
    ];
  } finally {
    await platform.stop();
    rmSync(project, { recursive: true, force: true });
  }
}
