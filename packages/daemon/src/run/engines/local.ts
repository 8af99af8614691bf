import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BloomError, type CgroupSpec, type ShimStatus } from "@bloomery/contract";
import type { HomePaths } from "../../home.js";
import { planCgroups, type CgroupLayout } from "../plan-cgroups.js";
import { planInstanceSpec } from "../plan-instance.js";
import type { SandboxMount } from "../plan-sandbox.js";
import { openControlClient, type ControlClient } from "../control-client.js";
import { killGroups, removeGroups } from "../cgroups.js";
import { readLastLines } from "../read-last-lines.js";
import { startShim } from "../start-shim.js";
import type { Engine, Instance, InstanceAddress, InstanceWish } from "./engine.js";
import { instanceRecord, type InstanceRecord } from "./instance-record.js";
import { findFreePort } from "./free-port.js";

/** What the host network gives instances; made by `run/network` when the daemon is root. */
export interface InstanceNetwork {
  allocateInstance(wish: {
    readonly id: string;
    readonly port: number;
    readonly outbound: boolean;
  }): Promise<{ readonly netns: string; readonly address: string }>;
  /** Takes over the namespace of an instance that an earlier daemon started. */
  adopt(
    live: readonly {
      readonly id: string;
      readonly port: number;
      readonly outbound: boolean;
      readonly address: string;
    }[],
  ): Promise<unknown>;
  /** Takes the namespace of this address away; harmless when it is gone. */
  releaseInstance(address: string): Promise<void>;
}

export interface LocalEngineOptions {
  readonly paths: HomePaths;
  readonly shimPath: string;
  readonly bwrap: string;
  /** Null: not root. */
  readonly uidBase: number | null;
  readonly cgroups: CgroupLayout;
  /** Null: instances share the host's network. */
  readonly network: InstanceNetwork | null;
  readonly log: { warn(fields: object, text: string): void };
}

/** The engine of this machine: one shim and one bubblewrap sandbox for each instance. */
export function createLocalEngine(options: LocalEngineOptions): Engine {
  const open = new Map<string, ControlClient>();
  const dirOf = (id: string): string => join(options.paths.instances, id);

  /** Everything an instance leaves outside its folder; also right after a crash of the shim. */
  const sweep = async (record: InstanceRecord): Promise<void> => {
    await killGroups(record.cgroups);
    await removeGroups(record.cgroups);
    if (record.netnsAddress !== null) await options.network?.releaseInstance(record.netnsAddress);
    await rm(join(dirOf(record.id), "control.sock"), { force: true });
  };

  const attach = async (record: InstanceRecord): Promise<Instance> => {
    const client = await openControlClient(join(dirOf(record.id), "control.sock"));
    open.set(record.id, client);
    const gone = client.closed.then(async () => {
      // Only the shim's end counts: after close() the instance goes on and nothing may be swept.
      if (open.get(record.id) !== client) return;
      open.delete(record.id);
      await sweep(record).catch((error: unknown) =>
        options.log.warn({ error, instance: record.id }, "remains of an instance could not be swept"),
      );
    });
    return Object.freeze({
      id: record.id,
      environmentId: record.environmentId,
      releaseId: record.releaseId,
      role: record.role,
      replica: record.replica,
      address: record.address,
      get status(): ShimStatus {
        return client.status;
      },
      refresh: () => client.refresh(),
      watchStatus: (listener: (status: ShimStatus) => void) => client.watchStatus(listener),
      async drain(limitMs: number) {
        await client.drain(limitMs).catch(ignoreLost);
        await gone;
      },
      async stop(graceMs: number | null) {
        await client.stop(graceMs).catch(ignoreLost);
        await gone;
      },
      gone,
      readTail: (lines: number) => readLastLines(join(dirOf(record.id), "log", "app.log"), lines),
    });
  };

  return {
    async start(wish: InstanceWish): Promise<Instance> {
      const dir = dirOf(wish.id);
      await mkdir(join(dir, "log"), { recursive: true, mode: 0o700 });
      const user = options.uidBase === null ? null : userOf(options.uidBase, wish.appSlot);
      const place = await allocate(options, wish, dir);
      const cgroups = planCgroups(options.cgroups, wish.id, { ...wish.config.limits, weight: 100 });
      const record: InstanceRecord = {
        id: wish.id,
        environmentId: wish.environmentId,
        releaseId: wish.releaseId,
        role: wish.role,
        replica: wish.replica,
        address: place.address,
        netnsAddress: place.netnsAddress,
        outbound: wish.config.network === "outbound",
        cgroups: cgroups.map((group) => group.path),
      };
      await writeFile(join(dir, "instance.json"), JSON.stringify(record), { mode: 0o600 });
      try {
        const spec = planInstanceSpec(wish, {
          dir,
          bwrap: options.bwrap,
          user,
          netns: place.netns,
          port: place.port,
          forwardSocket: place.address.kind === "unix" ? place.address.path : null,
          cgroups: [...cgroups] as CgroupSpec[],
          etc: await writeEtc(dir, wish.appName, user),
        });
        await startShim(options.shimPath, spec);
        return await attach(record);
      } catch (error) {
        await sweep(record);
        throw error;
      }
    },

    async adopt(id: string): Promise<Instance | undefined> {
      const record = await readRecord(dirOf(id));
      if (record === undefined) return undefined;
      try {
        const instance = await attach(record);
        if (record.netnsAddress !== null && record.address.kind === "tcp") {
          const { port } = record.address;
          await options.network?.adopt([
            { id, port, outbound: record.outbound, address: record.netnsAddress },
          ]);
        }
        return instance;
      } catch {
        await sweep(record);
        return undefined;
      }
    },

    async list() {
      const names = await readdir(options.paths.instances, { withFileTypes: true });
      return names.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    },

    async close() {
      const clients = [...open.values()];
      open.clear();
      for (const client of clients) client.close();
    },
  };
}

async function allocate(
  options: LocalEngineOptions,
  wish: InstanceWish,
  dir: string,
): Promise<{ address: InstanceAddress; netns: string | null; netnsAddress: string | null; port: number }> {
  if (options.network !== null && wish.config.network !== "host") {
    const port = wish.config.web.port;
    const outbound = wish.config.network === "outbound";
    const given = await options.network.allocateInstance({ id: wish.id, port, outbound });
    return {
      address: { kind: "tcp", address: given.address, port },
      netns: given.netns,
      netnsAddress: given.address,
      port,
    };
  }
  // Without a namespace two versions cannot share a port: each gets a free one, and the shim's forwarder
  // gives nginx a name for it that can be switched by a rename.
  const port = await findFreePort();
  return { address: { kind: "unix", path: join(dir, "app.sock") }, netns: null, netnsAddress: null, port };
}

/** A user, a group and a hosts file that name what is inside the sandbox. */
async function writeEtc(
  dir: string,
  hostname: string,
  user: { uid: number; gid: number } | null,
): Promise<SandboxMount[]> {
  const uid = user?.uid ?? process.getuid?.() ?? 0;
  const gid = user?.gid ?? process.getgid?.() ?? 0;
  const files = {
    passwd: `app:x:${uid}:${gid}:app:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`,
    group: `app:x:${gid}:\nnogroup:x:65534:\n`,
    hosts: `127.0.0.1 localhost ${hostname}\n::1 localhost ip6-localhost ip6-loopback\n`,
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "resolv.conf": await readResolver(),
  };
  const etc = join(dir, "etc");
  await mkdir(etc, { recursive: true });
  const mounts: SandboxMount[] = [];
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(etc, name), text, { mode: 0o644 });
    mounts.push({ name: `etc-${name}`, source: join(etc, name), target: `/etc/${name}`, writable: false });
  }
  return mounts;
}

/** A stub resolver on the host's loopback cannot be reached from a namespace; its upstream servers can. */
async function readResolver(): Promise<string> {
  for (const path of ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]) {
    const text = await readFile(path, "utf8").catch(() => "");
    if (/^nameserver\s+(?!127\.|::1)/m.test(text)) return text;
  }
  return "";
}

function userOf(uidBase: number, slot: number): { uid: number; gid: number } {
  const uid = uidBase + 2 * slot;
  return { uid, gid: uid };
}

async function readRecord(dir: string): Promise<InstanceRecord | undefined> {
  try {
    return instanceRecord.parse(JSON.parse(await readFile(join(dir, "instance.json"), "utf8")));
  } catch {
    return undefined;
  }
}

/** The shim that is asked to end may be gone before it has answered. */
function ignoreLost(error: unknown): void {
  if (!(error instanceof BloomError && error.code === "ERR_INSTANCE_LOST")) throw error;
}
