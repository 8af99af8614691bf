import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { applyEtc } from "../build/sandbox/apply-etc.js";
import type { HomePaths } from "../home.js";
import { functionHostname } from "./plan-function-sandbox.js";
import { planStandbySpec } from "./plan-standby.js";
import { appAccount } from "./plan-user.js";
import type { ShimPoolOptions, Standby } from "./shim-pool.js";
import type { StandbyUsers } from "./standby-users.js";

/** Plans sandboxes that are made ahead. Each account has one /etc, which is written once in a daemon's life. */
export function createStandbys(options: {
  readonly paths: Pick<HomePaths, "tools">;
  readonly bwrap: string;
  readonly users: StandbyUsers;
}): NonNullable<ShimPoolOptions["standbys"]> {
  const { paths, bwrap, users } = options;
  const written = new Set<string>();
  return {
    async prepare(id): Promise<Standby> {
      const user = users.take();
      const etc = join(paths.tools, `etc-${user.uid}`);
      try {
        if (!written.has(etc)) {
          await mkdir(paths.tools, { recursive: true, mode: 0o700 });
          applyEtc(etc, {
            account: appAccount,
            user,
            hostname: functionHostname,
            additionalHosts: {},
            isOffline: true,
          });
          written.add(etc);
        }
      } catch (error) {
        users.free(user);
        throw error;
      }
      return { spec: planStandbySpec(id, { bwrap, user, etc }), user, etc };
    },
    release: ({ user }) => users.free(user),
  };
}
