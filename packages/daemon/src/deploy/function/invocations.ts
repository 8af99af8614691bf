import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import type { HomePaths } from "../../home.js";
import type { Engine } from "../../run/engines/engine.js";
import type { Volumes } from "../../run/volumes/open-volumes.js";
import type { FleetObserver } from "../fleet.js";
import { formatPlace, namesOf, type Place } from "../places.js";
import type { ReleaseParts } from "../releases.js";
import type { Store } from "../../store/open-store.js";
import { findDraft } from "./drafts.js";
import type { ExecutionRecords } from "./executions.js";
import type { CompiledDraft } from "./invoke/find-target.js";
import { openInvocations, type Invocations } from "./invoke/open-invocations.js";
import type { Activation } from "../activation/ports.js";

interface PlatformInvocations extends Invocations {
  /** Removes records that are too old or too many, and what was kept for them. */
  sweep(): Promise<{ readonly executions: number; readonly invocationFiles: number }>;
}

/** What calls functions, with everything it needs of this daemon. */
export async function openPlatformInvocations(parts: {
  readonly releases: ReleaseParts;
  readonly engine: Engine;
  readonly volumes: Pick<Volumes, "prepare">;
  readonly activation: Activation;
  readonly executions: Pick<ExecutionRecords, "events" | "observe" | "catchUp" | "sweep">;
  readonly paths: HomePaths;
  readonly log: { info(fields: object, text: string): void; warn(fields: object, text: string): void };
}): Promise<PlatformInvocations> {
  const { releases, engine, volumes, executions, paths } = parts;
  const invocations = await openInvocations({
    ...releases,
    ...{ engine, activation: parts.activation, log: parts.log, folder: paths.invocations },
    events: executions.events,
    caughtUp: executions.catchUp,
    observer: executions.observe(nobody),
    prepareMounts: (release, replica, warn) => volumes.prepare({ ...release, replica, warn }),
    instanceDir: (id) => join(paths.instances, id),
    listInstances: engine.list,
    findDraft: (place) => findCompiledDraft(releases.store, place),
  });
  return {
    ...invocations,
    async sweep() {
      // Records first: their files go with them.
      const records = await executions.sweep();
      return { ...records, ...(await invocations.sweep()) };
    },
  };
}

/** Trials are in no list of instances: nobody is to look for them. */
const nobody: FleetObserver = {
  started: () => Promise.resolve(),
  ended: () => Promise.resolve(),
};

/** Throws ERR_NOT_FOUND without a draft, ERR_DRAFT_NOT_COMPILED for one that was not compiled since it was saved. */
export async function findCompiledDraft(store: Store, place: Place): Promise<CompiledDraft> {
  const draft = await findDraft(store, place);
  if (draft.artifact === null || draft.config === null) {
    const name = formatPlace(namesOf(place));
    throw new BloomError("ERR_DRAFT_NOT_COMPILED", `the draft of ${name} is not compiled as it is now`);
  }
  return { tree: draft.tree, artifact: draft.artifact, config: draft.config };
}
