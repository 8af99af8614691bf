import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { copyProject, edit, startPlatform, startWrk } from "./lib/platform.mjs";

const host = "bench-local.localhost";

/** A stop-start deployment of an app that needs three seconds to start, under load: requests wait, none is lost. */
export async function measure() {
  const platform = await startPlatform();
  const project = copyProject("fixtures/apps/slow-start");
  const url = `http://127.0.0.1:${platform.httpPort}/`;
  try {
    await platform.json("deploy", project, "-a", "bench");
    const load = startWrk(url, host, 30, 64);
    const deploys = [];
    for (const name of ["two", "three"]) {
      await delay(1000);
      edit(join(project, "src/main.rs"), (text) =>
        text.replace(/VERSION: &str = "\w+"/, `VERSION: &str = "${name}"`),
      );
      const { timings } = await platform.json("deploy", project, "-a", "bench", "--strategy", "stopstart");
      deploys.push(timings);
    }
    const counted = await load;
    return [
      {
        what: "two stop-start deployments of a 3 s starter, 64 clients with keep-alive",
        result: `${counted.failed} failed of ${counted.requests}, longest wait ${counted.longest}`,
        target: "0 failed",
        met: counted.failed === 0 && counted.requests > 0,
        ...counted,
        deploys,
      },
    ];
  } finally {
    await platform.stop();
    rmSync(project, { recursive: true, force: true });
  }
}
