import { readFile } from "node:fs/promises";
import { request } from "node:http";
import type { NginxPaths } from "./nginx-paths.js";

/** The configuration the answering worker has; undefined when nginx does not answer within a second. */
export function askGeneration(paths: NginxPaths): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = request({
      socketPath: paths.generationSocket,
      path: "/generation",
      agent: false,
      timeout: 1000,
    });
    call.once("timeout", () => call.destroy());
    call.once("error", () => resolve(undefined));
    call.once("close", () => resolve(undefined));
    call.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.once("end", () => resolve(response.statusCode === 200 ? text : undefined));
    });
    call.end();
  });
}

/** Pid of the master process, if the pid file names a process that is this nginx. */
export async function findMaster(paths: NginxPaths): Promise<number | undefined> {
  const pid = Number((await readFile(paths.pidFile, "utf8").catch(() => "")).trim());
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return command.startsWith("nginx: master") && command.includes(paths.config) ? pid : undefined;
}

/** Workers that still accept connections. After a reload the old ones go on for a moment beside the new. */
export async function countAcceptingWorkers(master: number): Promise<number> {
  const children = await readFile(`/proc/${master}/task/${master}/children`, "utf8").catch(() => "");
  const titles = await Promise.all(
    children
      .split(" ")
      .filter((pid) => pid !== "")
      .map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return titles.filter((title) => /^nginx: worker process\0*\s*$/.test(title)).length;
}
