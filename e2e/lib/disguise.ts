import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fixture, startPlatformAs, type Disguise, type Platform } from "./platform.js";

const nobody = 65_534;

/** A platform on which nothing runs as root; `stop` removes what was made for it, too. */
export async function startUnprivileged(): Promise<Platform> {
  const folder = await mkdtemp(join(tmpdir(), "bloom-nobody-"));
  await chmod(folder, 0o755);
  await mkdir(join(folder, "rustup"));
  await mkdir(join(folder, "checkout"));
  const platform = await startPlatformAs(disguise(folder));
  return {
    ...platform,
    async stop() {
      await platform.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Everything runs as nobody. The toolchain and perhaps the checkout lie where nobody may not go: they are bound to
 * folders that can be reached, in a mount namespace that ends with the process.
 */
function disguise(folder: string): Disguise {
  const rustup = process.env["RUSTUP_HOME"] ?? join(homedir(), ".rustup");
  const checkout = fixture(".");
  const script =
    'mount --bind "$1" "$2" && mount --bind "$3" "$4" && shift 4 && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"';
  const binds = [rustup, join(folder, "rustup"), checkout, join(folder, "checkout")];
  const reachable = (word: string): string =>
    word.startsWith(checkout) ? join(folder, "checkout", word.slice(checkout.length)) : word;
  return {
    uid: nobody,
    wrap: (argv) => [
      ...["unshare", "--mount", "/bin/sh", "-c", script, "sh", ...binds],
      ...argv.map(reachable),
    ],
    env: { RUSTUP_HOME: join(folder, "rustup"), HOME: folder, XDG_CACHE_HOME: join(folder, "cache") },
  };
}
