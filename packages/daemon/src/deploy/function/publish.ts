import { isDeepStrictEqual } from "node:util";
import { BloomError, formatAppRef, type AppConfig } from "@bloomery/contract";
import type { Deployment } from "../../store/deployments.js";
import type { Draft } from "../../store/drafts.js";
import type { Store } from "../../store/open-store.js";
import type { NewVersion, Version } from "../../store/versions.js";
import type { Deployer } from "../deployer.js";
import { namesOf, type Place } from "../places.js";
import { findLiveRelease } from "../releases.js";
import { findDraft, type DraftParts } from "./drafts.js";
import { isSameProgram, planFunctionConfig } from "./plan-function-config.js";

export interface PublishParts extends Pick<DraftParts, "store" | "readConfig"> {
  readonly deployer: Pick<Deployer, "publish" | "applyVariables">;
}

export interface Publishing {
  /**
   * Makes the compiled draft the next version and live. The same program with the same config gives the version it
   * gave before. Throws ERR_NOT_FOUND, ERR_DRAFT_NOT_COMPILED or ERR_DEPLOY_LOCKED.
   */
  publish(place: Place, actor: string): Promise<Deployment>;
  /**
   * Lets what was said of the app take effect where it runs: its live program becomes one more version, with the
   * settings and variables as they are now. Undefined when nothing changes, or nothing runs that it could change.
   */
  applySettings(place: Place, actor: string): Promise<Deployment | undefined>;
}

export function createPublishing(parts: PublishParts): Publishing {
  const { store, deployer } = parts;

  const plan = async (place: Place, code: { tree: string; wishes: Draft["wishes"] | undefined }) => {
    const { config } = await parts.readConfig(code.tree, place.app.name);
    const row = await store.functions.ensure(place.app.id);
    return planFunctionConfig(config, row.settings, code.wishes);
  };

  return {
    async publish(place, actor) {
      const draft = await findDraft(store, place);
      const { buildId, artifact, facts, tree, wishes } = draft;
      if (!isCompiled(draft) || buildId === null || artifact === null || facts === null)
        throw notCompiled(place, explain(draft), hints[draft.status]);
      const config = await plan(place, { tree, wishes });
      if (draft.config === null || !isSameProgram(config, draft.config))
        throw notCompiled(place, "was compiled before its toolchain or its dependencies were changed");
      const wish = { appId: place.app.id, buildId, artifact, tree, config, facts, createdBy: actor };
      return deployer.publish(
        place,
        {
          ...{ done: "published %", tree },
          obtain: () => obtainSame(store, wish),
          published: () => store.drafts.markPublished(place.app.id, buildId),
        },
        actor,
      );
    },

    async applySettings(place, actor) {
      const version = await findRunning(store, place);
      if (version === undefined || version.config.function === null) return undefined;
      const planned = await plan(place, { tree: version.tree, wishes: version.facts?.wishes });
      const config = keepProgram(planned, version.config);
      if (isDeepStrictEqual(config, version.config)) return undefined;
      const { appId, buildId, artifact, tree, facts } = version;
      const wish = { appId, buildId, artifact, tree, facts, config, createdBy: actor };
      return deployer.publish(
        place,
        {
          ...{ done: "changed the settings of %", tree },
          obtain: () => obtainSame(store, wish),
          published: async () => undefined,
        },
        actor,
      );
    },
  };
}

/** The version that is this already, or a new one. */
async function obtainSame(store: Store, wish: NewVersion): Promise<Version> {
  const recent = await store.versions.list({ appId: wish.appId, limit: 100 });
  const same = recent.find(
    ({ artifact, tree, config }) =>
      artifact === wish.artifact && tree === wish.tree && isDeepStrictEqual(config, wish.config),
  );
  return same ?? store.versions.create(wish);
}

/** What the environment serves; undefined when it serves nothing, or its owner stopped it. */
async function findRunning(store: Store, place: Place): Promise<Version | undefined> {
  const environment = await store.environments.get(place.environment.id);
  if (environment?.desired !== "running") return undefined;
  const release = await findLiveRelease(store, place);
  return release === undefined ? undefined : store.versions.get(release.versionId);
}

/** Settings of the compiler wait for the next compile. */
function keepProgram(planned: AppConfig, { toolchain, build, function: own }: AppConfig): AppConfig {
  if (planned.function === null || own === null) return planned;
  const { target, dependencies } = own;
  return { ...planned, toolchain, build, function: { ...planned.function, target, dependencies } };
}

function isCompiled({ status }: Draft): boolean {
  return status === "compiled" || status === "published";
}

/** Where the code's own is not the right one. */
const hints: Partial<Record<Draft["status"], string>> = {
  compiling: "Wait for it to end: `bloom draft compile APP --follow` shows its log.",
  failed: "`bloom draft compile-logs APP` shows why; save corrected code and compile it.",
};

function explain({ status, error }: Draft): string {
  if (status === "compiling") return "is being compiled";
  return status === "failed" ? `could not be compiled: ${error?.message ?? ""}` : "has not been compiled";
}

function notCompiled(place: Place, why: string, hint?: string): BloomError {
  const message = `the draft of ${formatAppRef(namesOf(place))} ${why}`;
  return new BloomError("ERR_DRAFT_NOT_COMPILED", message, hint === undefined ? {} : { hint });
}
