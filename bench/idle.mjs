import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { copyProject, startPlatform } from "./lib/platform.mjs";
import { readResidentKb, readTicks } from "./lib/processes.mjs";

const watchSeconds = 20;

/** What the platform costs while nothing happens, with one app running. */
export async function measure() {
  const platform = await startPlatform();
  const project = copyProject("examples/web-hello");
  try {
    await platform.json("deploy", project, "-a", "bench");
    await delay(3000);
    const pid = await platform.daemonPid();
    const before = readTicks(pid);
    await delay(watchSeconds * 1000);
    const cpu = (readTicks(pid) - before) / watchSeconds; // 100 ticks a second: this is percent of one core
    const daemonMb = readResidentKb(pid) / 1000;
    const { instances } = await platform.json("ps", "bench");
    const state = JSON.parse(
      readFileSync(join(platform.home, "instances", instances[0].id, "state.json"), "utf8"),
    );
    const shimMb = readResidentKb(state.shim_pid) / 1000;
    return [
      {
        what: "bloomd idle, resident memory",
        result: `${daemonMb.toFixed(1)} MB`,
        target: "< 120 MB",
        met: daemonMb < 120,
        megabytes: daemonMb,
      },
      {
        what: "bloomd idle, processor",
        result: `${cpu.toFixed(2)} %`,
        target: "< 1 %",
        met: cpu < 1,
        percent: cpu,
      },
      {
        what: "shim, resident memory",
        result: `${shimMb.toFixed(2)} MB`,
        target: "< 2 MB",
        met: shimMb < 2,
        megabytes: shimMb,
      },
    ];
  } finally {
    await platform.stop();
    rmSync(project, { recursive: true, force: true });
  }
}
