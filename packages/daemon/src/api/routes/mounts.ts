import { BloomError, isPersistent, suggest, type MountView } from "@bloomery/contract";
import { findPlace, formatPlace, type PlaceNames } from "../../deploy/places.js";
import { recordActivity } from "../activity.js";
import type { Handlers } from "../handlers.js";
import { findLiveVersion } from "../live-version.js";
import { createMountFiles, type MountFolder } from "../mount-files.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<Handlers, "listMounts" | "uploadMount" | "downloadMount">;

export function createMountHandlers(context: Pick<ApiContext, "store" | "runTool" | "volumes">): Noun {
  const { store, volumes } = context;
  const files = createMountFiles(context.runTool);

  const findLive = async (params: PlaceNames) => {
    const place = await findPlace(store, params);
    const { config } = await findLiveVersion(store, place);
    return { place, config };
  };

  /** The folders of the mounts that are kept, made ready: after a restart of the machine nothing is mounted. */
  const prepare = async ({ place, config }: Awaited<ReturnType<typeof findLive>>) => {
    const wish = { environmentId: place.environment.id, appSlot: place.app.slot, replica: 0, config };
    const prepared = await volumes.prepare(wish);
    return new Map(prepared.flatMap(({ path, source }) => (source === null ? [] : [[path, source]])));
  };

  const findFolder = async (live: Awaited<ReturnType<typeof findLive>>, names: PlaceNames, text: string) => {
    const path = text.replace(/^\/+|\/+$/g, "");
    const mount = live.config.mounts[path];
    if (mount === undefined) throw unknownMount(names, path, Object.keys(live.config.mounts));
    const source = (await prepare(live)).get(path);
    if (source === undefined) {
      throw new BloomError(
        "ERR_INVALID_ARGUMENT",
        `the mount ${path} is of the kind \`${mount.source}\`, which belongs to one instance and ends with it`,
        { hint: "`bloom exec` reaches it in a running instance." },
      );
    }
    const folder: MountFolder = { appSlot: live.place.app.slot, source };
    return { path, folder };
  };

  return {
    async listMounts({ params, query }) {
      const live = await findLive(params);
      const { place, config } = live;
      const entries = Object.entries(config.mounts).sort(([a], [b]) => (a < b ? -1 : 1));
      const folders = query.size ? await prepare(live) : new Map<string, string>();
      const figures = await files.measure(place.app.slot, [...folders.values()]);
      const used = new Map([...folders.keys()].map((path, index) => [path, figures[index] ?? 0]));
      const volumeBytes = entries.some(([, mount]) => isPersistent(mount))
        ? await volumes.capacity(place.environment.id)
        : null;
      const mounts = entries.map(([path, mount]): MountView => {
        const persistent = isPersistent(mount);
        return {
          path,
          source: mount.source,
          sourcePath: mount.sourcePath,
          usedBytes: used.get(path) ?? null,
          volumeBytes: persistent ? volumeBytes : null,
          persistent,
        };
      });
      return { mounts };
    },

    async uploadMount({ params, query }, { caller, raw, signal }) {
      const live = await findLive(params);
      const { path, folder } = await findFolder(live, params, query.path);
      const order = {
        type: "mount.upload",
        actor: caller.name,
        description: `${caller.name} sent files into the mount ${path} of ${formatPlace(params)}`,
        orgId: live.place.org.id,
        appId: live.place.app.id,
        environment: live.place.environment.name,
        parameters: { ...params, mount: path },
      };
      await recordActivity(store, order, () => files.unpack(folder, raw, signal));
      return { ok: true };
    },

    async *downloadMount({ params, query }, { signal }) {
      const { folder } = await findFolder(await findLive(params), params, query.path);
      yield* files.pack(folder, signal);
    },
  };
}

function unknownMount(names: PlaceNames, path: string, known: readonly string[]): BloomError {
  const near = suggest(path, known);
  const list = known.length === 0 ? "It has no mounts." : `It has ${known.join(", ")}.`;
  return new BloomError("ERR_NOT_FOUND", `${formatPlace(names)} has no mount ${path}`, {
    hint: near === undefined ? list : `Did you mean \`${near}\`?`,
  });
}
