import { execFile } from "node:child_process";
import { chmod, chown, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "./find-free-port.mjs";
import { root } from "./paths.mjs";

const cli = join(root, "packages/cli/dist/main.js");

/**
 * A whole platform of its own: home, daemon, nginx and ports that nobody else uses. `disguise` runs every
 * command as somebody else. Throws when it does not start.
 */
export async function startPlatform({ prefix, flags = [], env: more = {}, disguise } = {}) {
  const home = await mkdtemp(join(tmpdir(), prefix));
  await chmod(home, 0o711);
  if (disguise !== undefined) await chown(home, disguise.uid, disguise.uid);
  const [apiPort, httpPort] = [await findFreePort(), await findFreePort()];
  const env = {
    ...process.env,
    BLOOM_HOME: home,
    BLOOM_API: `http://127.0.0.1:${apiPort}`,
    DODIL_CONFIG_DIR: join(home, "dodil"),
    NO_COLOR: "1",
    // Nobody here waits for the first function; who measures it says so.
    BLOOM_COMPILE_AHEAD: "0",
    ...disguise?.env,
    ...more,
    CI: "1",
  };
  const argv = (args) => {
    const own = [process.execPath, cli, ...args];
    const [program, ...rest] = disguise === undefined ? own : disguise.wrap(own);
    return [program, rest];
  };
  const bloom = (...args) =>
    new Promise((resolve) => {
      execFile(...argv(args), { env, maxBuffer: 64 * 1_048_576 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ code, stdout, stderr });
      });
    });
  const start = async (...others) => {
    const ports = ["--api-port", `${apiPort}`, "--http-port", `${httpPort}`];
    const all = ["server", "start", "--detach", "--home", home, ...ports, ...flags, ...others];
    const result = await bloom(...all);
    if (result.code !== 0) throw new Error(`the platform did not start: ${result.stderr}\n${result.stdout}`);
  };
  await start();
  return {
    home,
    apiPort,
    httpPort,
    env,
    argv,
    bloom,
    start,
    async json(...args) {
      const { code, stdout, stderr } = await bloom(...args, "--json");
      if (code !== 0) throw new Error(`bloom ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
      return JSON.parse(stdout);
    },
    daemonPid: async () => JSON.parse(await readFile(join(home, "api.json"), "utf8")).pid,
    async stop() {
      await bloom("server", "stop", "--yes");
      await rm(home, { recursive: true, force: true });
    },
  };
}
