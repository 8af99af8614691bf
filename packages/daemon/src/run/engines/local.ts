import { existsSync, writeFileSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { BloomError, type ShimStatus } from "@bloomery/contract";
import { applyEtc } from "../../build/sandbox/apply-etc.js";
import type { HomePaths } from "../../home.js";
import { assertPreforkHost } from "../assert-prefork-host.js";
import { killGroups, removeGroups } from "../cgroups.js";
import { openControlClient, type ControlClient } from "../control-client.js";
import { planCgroups, type CgroupLayout } from "../plan-cgroups.js";
import { planEnter } from "../plan-enter.js";
import { planInstanceSpec, planListenVariables } from "../plan-instance.js";
import { planInstanceFiles } from "../plan-instance-files.js";
import { planRlimits } from "../plan-limits.js";
import { fitsStandby } from "../plan-standby.js";
import { planTool, toolLimits } from "../plan-tool.js";
import { appAccount, planAppUser } from "../plan-user.js";
import { readLastLines } from "../read-last-lines.js";
import { readWorkers } from "../workers/read-workers.js";
import { createShimPool } from "../shim-pool.js";
import { createStandbyUsers } from "../standby-users.js";
import { createStandbys } from "../standbys.js";
import { allocatePlace, type InstancePlace, type PlaceOptions } from "./allocate-place.js";
import { allocateTcpPlace, type DescribeHolder, type PlaceRelay } from "./allocate-tcp.js";
import type { CommandOrder, Engine, Instance, InstanceWish, RunningCommand, ToolWish } from "./engine.js";
import { readRecord, replaceRecord, type InstanceRecord } from "./instance-record.js";
import { prepareFiles, removeFiles } from "./prepare-files.js";
import { runCommand, type ShimCommand } from "./run-command.js";

export interface LocalEngineOptions extends PlaceOptions {
  readonly paths: HomePaths;
  readonly shimPath: string;
  readonly bwrap: string;
  readonly preforkPath: string;
  /** Null: not root. */
  readonly uidBase: number | null;
  readonly cgroups: CgroupLayout;
  readonly describeHolder: DescribeHolder;
  readonly placeRelay: PlaceRelay;
  /**
   * The environment of a release without PORT or SOCKET, for commands in instances that run already: it holds
   * secrets, so no engine keeps it, least of all beyond its daemon's life.
   */
  readonly environmentOf: (releaseId: string) => Promise<Readonly<Record<string, string>>>;
  readonly log: { warn(fields: object, text: string): void };
}

export interface LocalEngine extends Engine {
  /** From now on some shims wait for instances that are still to come; nothing may sweep what it does not know. */
  keepShims(): void;
}

const strayGraceMs = 5000;

/** The engine of this machine: one shim and one bubblewrap sandbox for each instance. */
export function createLocalEngine(options: LocalEngineOptions): LocalEngine {
  const users = options.uidBase === null ? null : createStandbyUsers(options.uidBase);
  const shims = createShimPool({
    ...options,
    launchSocket: options.paths.launchSocket,
    ...(users === null ? {} : { standbys: createStandbys({ ...options, users }) }),
  });
  const open = new Map<string, ControlClient>();
  const commands = new Set<ShimCommand>();
  const dirOf = (id: string): string => join(options.paths.instances, id);
  const userOf = (slot: number) => (options.uidBase === null ? null : planAppUser(options.uidBase, slot));

  /** Everything an instance leaves but its logs; also right after a crash of the shim. */
  const sweep = async (record: InstanceRecord): Promise<void> => {
    users?.free(record.user);
    await killGroups(record.cgroups);
    await removeGroups(record.cgroups);
    if (record.netnsAddress !== null) await options.network?.releaseInstance(record.netnsAddress);
    await rm(planInstanceFiles(dirOf(record.id)).control, { force: true });
    await removeFiles(dirOf(record.id));
  };

  const keep = (command: ShimCommand): void => {
    commands.add(command);
    const forget = (): void => void commands.delete(command);
    command.exit.then(forget, forget);
  };

  const enter = async (
    record: InstanceRecord,
    client: ControlClient,
    order: CommandOrder,
  ): Promise<RunningCommand> => {
    const env = await options.environmentOf(record.releaseId);
    const { sandbox_pid, pid: app, state } = await client.refresh();
    // The app's own process may be a short one that its shell starts again and again.
    const pid = sandbox_pid ?? app;
    if (pid === null) {
      throw new BloomError("ERR_INSTANCE_LOST", `no process of ${record.id} runs at present, it is ${state}`);
    }
    const command = await runCommand(options.shimPath, "enter", planEnter(order, { record, pid, env }));
    keep(command);
    return command;
  };

  const allocate = (wish: InstanceWish, socket: string): Promise<InstancePlace> =>
    wish.config.tcp === null
      ? allocatePlace(options, wish, socket)
      : allocateTcpPlace(options, wish, wish.config.tcp);

  const attach = async (record: InstanceRecord): Promise<Instance> => {
    const files = planInstanceFiles(dirOf(record.id));
    let ports = record.netnsPorts;
    const client = await openControlClient(files.control);
    open.set(record.id, client);
    users?.keep(record.user);
    const ended = client.closed.then(async () => {
      // Only the shim's end counts: after close() the instance goes on and nothing may be swept.
      if (open.get(record.id) !== client) return false;
      open.delete(record.id);
      await sweep(record).catch((error: unknown) =>
        options.log.warn({ error, instance: record.id }, "remains of an instance could not be swept"),
      );
      return true;
    });
    // One that goes on beyond this daemon is never gone, or it would be forgotten and not found again.
    const gone = ended.then((isGone) => (isGone ? undefined : new Promise<undefined>(() => undefined)));
    return Object.freeze({
      id: record.id,
      environmentId: record.environmentId,
      releaseId: record.releaseId,
      role: record.role,
      replica: record.replica,
      address: record.address,
      relays: record.relays,
      ...(record.memoryBytes === undefined ? {} : { memoryBytes: record.memoryBytes }),
      get status(): ShimStatus {
        return client.status;
      },
      get listens(): readonly number[] {
        return client.status.listens;
      },
      refresh: () => client.refresh(),
      watchStatus: (listener: (status: ShimStatus) => void) => client.watchStatus(listener),
      async drain(limitMs: number) {
        await client.drain(limitMs).catch(ignoreLost);
        await ended;
      },
      async stop(graceMs: number | null) {
        await client.stop(graceMs).catch(ignoreLost);
        await ended;
      },
      gone,
      async openPorts(wanted: readonly number[]) {
        if (record.netnsAddress === null) return;
        await options.network?.openPorts(record.netnsAddress, wanted);
        ports = [...new Set([...ports, ...wanted])];
        await replaceRecord(files.record, { ...record, netnsPorts: ports });
      },
      readTail: (lines: number) => readLastLines(join(files.log, "app.log"), lines),
      readWorkers: async () =>
        record.hasWorkers ? readWorkers(files.statsSocket, client.status.pid, Date.now()) : null,
      enter: (order: CommandOrder) => enter(record, client, order),
    });
  };

  return {
    nextId: shims.nextId,
    keepShims: shims.open,

    async start(wish: InstanceWish): Promise<Instance> {
      const dir = dirOf(wish.id);
      const files = planInstanceFiles(dir);
      const standby = fitsStandby(wish.config) ? shims.standbyOf(wish.id) : null;
      const user = standby?.user ?? userOf(wish.appSlot);
      const etc = standby?.etc ?? files.etc;
      const undo = async (error: unknown): Promise<never> => {
        shims.drop(wish.id);
        await removeFiles(dir);
        throw error;
      };
      await assertPreforkHost(wish.config, options.preforkPath).catch(undo);
      const mounts = await prepareFiles(dir, wish, { user, hasEtc: standby !== null }).catch(undo);
      const place = await allocate(wish, files.socket).catch(undo);
      const cgroups = planCgroups(options.cgroups, wish.id, { ...wish.config.limits, weight: 100 });
      const record: InstanceRecord = {
        id: wish.id,
        environmentId: wish.environmentId,
        releaseId: wish.releaseId,
        role: wish.role,
        replica: wish.replica,
        address: place.address,
        netnsAddress: place.netns?.address ?? null,
        netnsPorts: [...(place.netns?.ports ?? [])],
        relays: [...(place.netns?.relays ?? [])],
        outbound: wish.config.network === "outbound",
        only: place.netns?.only ?? null,
        cgroups: cgroups.map((group) => group.path),
        hasWorkers: wish.config.prefork !== null,
        variables: planListenVariables(wish.config, place.listen),
        memoryBytes: wish.config.limits.memoryBytes,
        user,
        rlimits: planRlimits(wish.config.limits, { user, cgroups }),
      };
      try {
        writeFileSync(files.record, JSON.stringify(record), { mode: 0o600 });
        const spec = planInstanceSpec(wish, {
          ...{ dir, etc, isStandby: standby !== null },
          ...{ bwrap: options.bwrap, preforkPath: options.preforkPath },
          user,
          netns: place.netns?.path ?? null,
          listen: place.listen,
          cgroups,
          mounts,
        });
        await shims.start(spec);
        return await attach(record);
      } catch (error) {
        shims.drop(wish.id);
        await sweep(record);
        throw error;
      }
    },

    async adopt(id: string): Promise<Instance | undefined> {
      const record = await readRecord(planInstanceFiles(dirOf(id)).record);
      if (record === undefined) return undefined;
      try {
        const instance = await attach(record);
        const { netnsAddress, netnsPorts: ports, outbound, only } = record;
        if (netnsAddress !== null) {
          await options.network?.adopt([{ id, ports, outbound, only, address: netnsAddress }]);
        }
        return instance;
      } catch {
        await sweep(record);
        return undefined;
      }
    },

    async endStray(id: string): Promise<boolean> {
      const files = planInstanceFiles(dirOf(id));
      const record = existsSync(files.control) ? await readRecord(files.record) : undefined;
      if (record === undefined) return false;
      const client = await openControlClient(files.control).catch(() => undefined);
      await client?.stop(strayGraceMs).catch(ignoreLost);
      await client?.closed;
      // Its network address is left alone: it may be another's by now.
      await sweep({ ...record, netnsAddress: null });
      return client !== undefined;
    },

    async runTool(wish: ToolWish): Promise<RunningCommand> {
      const user = userOf(wish.appSlot);
      const etc = join(options.paths.tools, `etc-${wish.appSlot}`);
      await mkdir(options.paths.tools, { recursive: true, mode: 0o700 });
      await applyEtc(etc, { account: appAccount, user, hostname: "tool", additionalHosts: {} });
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
      const exit = waitCleared();
      const tool: ShimCommand = { ...command, exit };
      keep(tool);
      return tool;
    },

    async list() {
      const names = await readdir(options.paths.instances, { withFileTypes: true });
      return names.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    },

    async close() {
      const clients = [...open.values()];
      open.clear();
      for (const client of clients) client.close();
      const running = [...commands];
      for (const command of running) command.end();
      await Promise.allSettled(running.map((command) => command.exit));
      await shims.close();
    },
  };
}

/** The shim that is asked to end may be gone before it has answered. */
function ignoreLost(error: unknown): void {
  if (!(error instanceof BloomError && error.code === "ERR_INSTANCE_LOST")) throw error;
}
