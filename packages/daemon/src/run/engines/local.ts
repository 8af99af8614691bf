import { existsSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { AppConfig } from "@bloomery/contract";
import type { HomePaths } from "../../home.js";
import { assertPreforkHost } from "../assert-prefork-host.js";
import { killGroups, removeGroups } from "../cgroups.js";
import { openControlClient, type ControlClient } from "../control-client.js";
import { planCgroups, type CgroupLayout } from "../plan-cgroups.js";
import { planInstanceSpec, planListenVariables } from "../plan-instance.js";
import { planInstanceFiles } from "../plan-instance-files.js";
import { planPlaceKind } from "../plan-place-kind.js";
import { planRlimits } from "../plan-limits.js";
import { fitsStandby } from "../plan-standby.js";
import { planAppUser } from "../plan-user.js";
import { createShimPool } from "../shim-pool.js";
import { createStandbyUsers } from "../standby-users.js";
import { createStandbys } from "../standbys.js";
import { allocatePlace, type InstancePlace, type PlaceOptions } from "./allocate-place.js";
import { allocateTcpPlace, type DescribeHolder } from "./allocate-tcp.js";
import { asInstance, ignoreLost } from "./as-instance.js";
import { createCommands } from "./commands.js";
import type { Engine, Instance, InstanceWish } from "./engine.js";
import { readRecord, type InstanceRecord } from "./instance-record.js";
import { prepareFiles, removeFiles } from "./prepare-files.js";

export interface LocalEngineOptions extends PlaceOptions {
  readonly paths: HomePaths;
  readonly shimPath: string;
  readonly bwrap: string;
  readonly preforkPath: string;
  /** Null: not root. */
  readonly uidBase: number | null;
  readonly cgroups: CgroupLayout;
  readonly describeHolder: DescribeHolder;
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
  /** Tells the configs of apps that will be started when somebody asks: what takes long is made ready for some of them. */
  expect(configs: () => readonly AppConfig[]): void;
}

const strayGraceMs = 5000;

/** The engine of this machine: one shim and one bubblewrap sandbox for each instance. */
export function createLocalEngine(options: LocalEngineOptions): LocalEngine {
  const users = options.uidBase === null ? null : createStandbyUsers(options.uidBase);
  let expected: () => readonly AppConfig[] = () => [];
  const shims = createShimPool({
    ...options,
    launchSocket: options.paths.launchSocket,
    isShimExpected: () => expected().some((config) => !fitsStandby(config)),
    ...(users === null ? {} : { standbys: createStandbys({ ...options, users }) }),
  });
  const open = new Map<string, ControlClient>();
  const dirOf = (id: string): string => join(options.paths.instances, id);
  const userOf = (slot: number) => (options.uidBase === null ? null : planAppUser(options.uidBase, slot));
  const commands = createCommands({ ...options, userOf });

  /** Everything an instance leaves but its logs; also right after a crash of the shim. */
  const sweep = async (record: InstanceRecord): Promise<void> => {
    users?.free(record.user);
    await killGroups(record.cgroups);
    await removeGroups(record.cgroups);
    if (record.netnsAddress !== null) await options.network?.releaseInstance(record.netnsAddress);
    await rm(planInstanceFiles(dirOf(record.id)).control, { force: true });
    await removeFiles(dirOf(record.id));
  };

  const allocate = (wish: InstanceWish, socket: string): Promise<InstancePlace> =>
    wish.config.tcp === null
      ? allocatePlace(options, wish, socket)
      : allocateTcpPlace(options, wish, wish.config.tcp);

  const attach = async (record: InstanceRecord): Promise<Instance> => {
    const files = planInstanceFiles(dirOf(record.id));
    const client = await openControlClient(files.control);
    open.set(record.id, client);
    users?.keep(record.user);
    const ended = client.closed.then(async () => {
      // Only the shim's end counts: after close() the instance goes on and nothing may be swept.
      if (open.get(record.id) !== client) return false;
      open.delete(record.id);
      shims.look();
      await sweep(record).catch((error: unknown) =>
        options.log.warn({ error, instance: record.id }, "remains of an instance could not be swept"),
      );
      return true;
    });
    return asInstance({
      ...{ record, client, files, ended },
      openPorts: async (address, ports) => options.network?.openPorts(address, ports),
      enter: (order) => commands.enter(record, client, order),
    });
  };

  return {
    nextId: (waitedFor) =>
      shims.nextId(waitedFor === null ? null : fitsStandby(waitedFor) ? "sandbox" : "shim"),
    keepShims: shims.open,
    expect(configs) {
      expected = configs;
      options.network?.expect(() => configs().flatMap((config) => planPlaceKind(config, true) ?? []));
    },

    async start(wish: InstanceWish): Promise<Instance> {
      const dir = dirOf(wish.id);
      const files = planInstanceFiles(dir);
      const standby = fitsStandby(wish.config) ? shims.standbyOf(wish.id) : null;
      const user = standby?.user ?? userOf(wish.appSlot);
      // Functions have what was written for the sandbox; apps have a name of their own in it.
      const ahead = wish.config.function === null ? undefined : standby?.etc;
      const etc = ahead ?? files.etc;
      const undo = async (error: unknown): Promise<never> => {
        shims.drop(wish.id);
        await removeFiles(dir);
        throw error;
      };
      await assertPreforkHost(wish.config, options.preforkPath).catch(undo);
      const mounts = await prepareFiles(dir, wish, { user, hasEtc: ahead !== undefined }).catch(undo);
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

    runTool: commands.runTool,

    async list() {
      const names = await readdir(options.paths.instances, { withFileTypes: true });
      return names.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    },

    async close() {
      const clients = [...open.values()];
      open.clear();
      for (const client of clients) client.close();
      await commands.close();
      await shims.close();
    },
  };
}
