import { BloomError, newId, type AppConfig, type FunctionConfig } from "@bloomery/contract";
import { formatPlace, namesOf, type Place } from "../../places.js";
import { composeRunnable, findLiveRelease, readVariables, type ReleaseParts } from "../../releases.js";
import type { Store } from "../../../store/open-store.js";
import type { Version } from "../../../store/versions.js";
import type { Activation } from "../../activation/ports.js";
import type { InvokeTarget } from "../ports.js";
import type { CallTarget } from "./call-target.js";
import type { Trials } from "./trials.js";

/** The draft of an app when it is compiled. */
export interface CompiledDraft {
  readonly tree: string;
  readonly artifact: string;
  readonly config: AppConfig;
}

export interface TargetParts extends ReleaseParts {
  readonly activation: Activation;
  readonly trials: Pick<Trials, "open">;
  /** Throws why there is nothing to run. */
  readonly findDraft: (place: Place) => Promise<CompiledDraft>;
}

/** The code a call is for. Throws ERR_NOTHING_DEPLOYED, ERR_APP_STOPPED, ERR_NOT_FOUND, or ERR_INVALID_ARGUMENT for other shapes. */
export async function findTarget(parts: TargetParts, target: InvokeTarget): Promise<CallTarget> {
  const { place } = target;
  if (target.kind === "live") return findLive(parts, place);
  if (target.kind === "version") return planTrial(parts, place, target.version);
  const draft = await parts.findDraft(place);
  return planTrial(parts, place, { ...draft, number: 0 });
}

async function findLive({ store, activation }: TargetParts, place: Place): Promise<CallTarget> {
  const release = await findLiveRelease(store, place);
  const version = release === undefined ? undefined : await store.versions.get(release.versionId);
  if (version === undefined) {
    throw new BloomError("ERR_NOTHING_DEPLOYED", `${nameOf(place)} has no version yet`, {
      hint: "`bloom deploy` makes one of a folder, `draft publish` of a compiled draft.",
    });
  }
  const config = functionOf(place, version.config);
  if (place.environment.desired === "stopped") {
    throw new BloomError("ERR_APP_STOPPED", `${nameOf(place)} was stopped by its owner`);
  }
  return {
    ...{ place, config, version: version.number },
    open: async (signal) => ({
      awake: await activation.wake(place.environment.id, signal),
      done: () => undefined,
    }),
  };
}

function planTrial(
  parts: TargetParts,
  place: Place,
  code: Pick<Version, "number" | "tree" | "artifact" | "config">,
): CallTarget {
  return {
    place,
    config: functionOf(place, code.config),
    version: code.number,
    async open(signal) {
      // As a publish at this moment would have them.
      const own = await readVariables(parts, place, "visibleRuntime");
      // No release is kept of what nobody is to go back to.
      const release = await composeRunnable(parts, place, { ...code, own, releaseId: newId("release") });
      return parts.trials.open(release, code.number, signal);
    },
  };
}

function functionOf(place: Place, config: AppConfig): FunctionConfig {
  if (config.function !== null) return config.function;
  throw new BloomError("ERR_INVALID_ARGUMENT", `${nameOf(place)} is no function but a ${config.shape} app`, {
    hint: "Its own address answers requests.",
  });
}

function nameOf(place: Place): string {
  return formatPlace(namesOf(place));
}

/** Throws ERR_NOT_FOUND when there is no such version. */
export async function targetOf(store: Store, place: Place, version: number | null): Promise<InvokeTarget> {
  if (version === null) return { kind: "live", place };
  const found = await store.versions.getByNumber(place.app.id, version);
  if (found !== undefined) return { kind: "version", place, version: found };
  const name = formatPlace(namesOf(place));
  throw new BloomError("ERR_NOT_FOUND", `${name} has no version ${version}`, {
    hint: "`bloom versions APP` lists the versions.",
  });
}
