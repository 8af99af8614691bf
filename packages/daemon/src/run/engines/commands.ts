import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { applyEtc } from "../../build/sandbox/apply-etc.js";
import type { HomePaths } from "../../home.js";
import { killGroups, removeGroups } from "../cgroups.js";
import type { ControlClient } from "../control-client.js";
import { planCgroups, type CgroupLayout } from "../plan-cgroups.js";
import { planEnter } from "../plan-enter.js";
import { planTool, toolLimits } from "../plan-tool.js";
import { appAccount } from "../plan-user.js";
import type { CommandOrder, RunningCommand, ToolWish } from "./engine.js";
import type { InstanceRecord } from "./instance-record.js";
import { runCommand, type ShimCommand } from "./run-command.js";

/** Commands beside the apps. They end with the daemon. */
export interface Commands {
  /** One more in the sandbox of an instance. Throws ERR_INSTANCE_LOST when no process of it runs. */
  enter(record: InstanceRecord, client: ControlClient, order: CommandOrder): Promise<RunningCommand>;
  /** One in a sandbox of its own. */
  runTool(wish: ToolWish): Promise<RunningCommand>;
  /** Ends all of them. */
  close(): Promise<void>;
}

export interface CommandsOptions {
  readonly paths: Pick<HomePaths, "tools">;
  readonly shimPath: string;
  readonly bwrap: string;
  readonly cgroups: CgroupLayout;
  /** Of the app in this slot; null: the daemon's own. */
  readonly userOf: (appSlot: number) => { readonly uid: number; readonly gid: number } | null;
  readonly environmentOf: (releaseId: string) => Promise<Readonly<Record<string, string>>>;
}

export function createCommands(options: CommandsOptions): Commands {
  const commands = new Set<ShimCommand>();

  const keep = (command: ShimCommand): void => {
    commands.add(command);
    const forget = (): void => void commands.delete(command);
    command.exit.then(forget, forget);
  };

  return {
    async enter(record, client, order) {
      const env = await options.environmentOf(record.releaseId);
      const { sandbox_pid, pid: app, state } = await client.refresh();
      // The app's own process may be a short one that its shell starts again and again.
      const pid = sandbox_pid ?? app;
      if (pid === null) {
        throw new BloomError(
          "ERR_INSTANCE_LOST",
          `no process of ${record.id} runs at present, it is ${state}`,
        );
      }
      const command = await runCommand(options.shimPath, "enter", planEnter(order, { record, pid, env }));
      keep(command);
      return command;
    },

    async runTool(wish) {
      const user = options.userOf(wish.appSlot);
      const etc = join(options.paths.tools, `etc-${wish.appSlot}`);
      await mkdir(options.paths.tools, { recursive: true, mode: 0o700 });
      applyEtc(etc, { account: appAccount, user, hostname: "tool", additionalHosts: {} });
      const cgroups = planCgroups(options.cgroups, wish.id, toolLimits);
      const groups = cgroups.map((group) => group.path);
      const spec = planTool(wish, { bwrap: options.bwrap, user, cgroups, etc });
      const command = await runCommand(options.shimPath, "exec", spec);
      const waitCleared = async (): Promise<Awaited<ShimCommand["exit"]>> => {
        try {
          return await command.exit;
        } finally {
          await killGroups(groups);
          await removeGroups(groups);
        }
      };
      const tool: ShimCommand = { ...command, exit: waitCleared() };
      keep(tool);
      return tool;
    },

    async close() {
      const running = [...commands];
      for (const command of running) command.end();
      await Promise.allSettled(running.map((command) => command.exit));
    },
  };
}
