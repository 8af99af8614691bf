import { execFile } from "node:child_process";
import { join, relative } from "node:path";
import type { AppConfig, Problem } from "@bloomery/contract";
import type { ShownConfig } from "@bloomery/daemon/config";
import { lookUpHost } from "../prefork/find-host.js";

const limitMs = 10_000;

/** What the prefork host says of an app's ini; nothing for apps of other shapes. */
export async function checkIni(
  config: AppConfig,
  { root, env }: { readonly root: string; readonly env: NodeJS.ProcessEnv },
): Promise<readonly Problem[]> {
  if (config.prefork === null) return [];
  const { ini, section } = config.prefork;
  const start = config.sourceRoot === "" ? "" : `${config.sourceRoot}/`;
  const remark = (message: string): Problem => ({
    ...{ severity: "warning", file: `${start}${ini}`, line: 1, column: 1, path: "" },
    message,
  });
  const host = lookUpHost(env);
  if (host === null) {
    return [
      remark(
        "what stands in it was not checked: bloom-prefork is not here, and BLOOM_PREFORK does not name it",
      ),
    ];
  }
  const folder = join(root, config.sourceRoot);
  const name = section === null ? ini : `${ini}:${section}`;
  const argv = [name, "--platform-socket=fd://3", "--show-config=json"];
  const { isFine, stdout, stderr } = await ask(host, argv, folder);
  const { parseComplaints, parseShown } = await import("@bloomery/daemon/config");
  const shown = isFine ? parseShown([stdout]) : null;
  const lines = shown === null ? stderr.split("\n") : (shown.warnings ?? []);
  const severity = shown === null ? "error" : "warning";
  const found = parseComplaints(lines, { ini, folder }).map((one): Problem => ({
    ...one,
    severity,
    path: "",
    file: `${start}${one.file}`,
  }));
  if (shown !== null) return [...found, ...(await findOutside(shown.apps, { ini, folder, start }))];
  if (found.length > 0) return found;
  return [{ ...remark("bloom-prefork says nothing of it that can be read"), severity: "error" }];
}

/** Libraries that a deployment would not have, though they can be served from here. */
async function findOutside(
  apps: ShownConfig["apps"],
  { ini, folder, start }: { readonly ini: string; readonly folder: string; readonly start: string },
): Promise<readonly Problem[]> {
  const outside = apps.filter(({ library }) => relative(folder, library).startsWith(".."));
  if (outside.length === 0) return [];
  const { explainOutside, openProjectFolder, placeInIni } = await import("@bloomery/daemon/prefork");
  const project = openProjectFolder(folder);
  return outside.map((app): Problem => {
    const place = placeInIni(project, ini, app.library_as_written);
    return {
      ...{ severity: "error", path: "", ...place, file: `${start}${place.file}` },
      message: explainOutside(app),
    };
  });
}

interface Answer {
  readonly isFine: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

function ask(path: string, argv: readonly string[], cwd: string): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(path, [...argv], { cwd, timeout: limitMs, maxBuffer: 16 * 1_048_576 }, (error, stdout, stderr) =>
      resolve({ isFine: error === null, stdout, stderr: stderr === "" ? (error?.message ?? "") : stderr }),
    );
  });
}
