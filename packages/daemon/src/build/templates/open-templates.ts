import { BloomError, type BuildStats } from "@bloomery/contract";
import type { BuildFolders } from "../build-folders.js";
import type { BuildUser } from "../build-user.js";
import { endProcessTree } from "../end-process-tree.js";
import type { StepSurroundings } from "../plan-build.js";
import type { TargetLayer } from "../plan-build-sandbox.js";
import type { BuildRun } from "../run-build.js";
import { chooseTemplate, isStillFitting } from "./choose-template.js";
import type { TemplatePlan } from "./plan-template.js";
import { planTemplateSteps } from "./plan-template-steps.js";
import { clearJob, prepareJob } from "./prepare-job.js";
import { copyTemplate, dropLayer, hasPlainTarget, loadLayerKey, openLayer } from "./target-place.js";
import { openTemplateStore, type TemplateStore } from "./template-store.js";

/** What a build needs to get its dependencies from a template. */
export interface TargetWish {
  /** The app's own folders, with its source laid. */
  readonly folders: BuildFolders;
  /** A text: why no template can be made. */
  readonly plan: TemplatePlan | string;
  /** The source itself has something where the layer would be. */
  readonly isTaken: boolean;
  readonly user: BuildUser | null;
  /** The account of the job that makes a template; null without root. */
  readonly jobUser: BuildUser | null;
  readonly run: BuildRun;
  /** How the job is run; asked only when there is one. */
  readonly surroundings: () => Promise<Surroundings>;
  /** Told when the template is being made already, by nobody who waits for it. */
  readonly onWait?: () => void;
}

type Surroundings = Omit<StepSurroundings, "folders" | "user" | "targetLayer" | "sdk">;

/** A template that is made before anybody asks for it. */
export interface AheadWish extends Pick<TargetWish, "jobUser" | "run" | "surroundings"> {
  readonly plan: TemplatePlan;
  /** Told when a build wants to make another one: `run` is to be stopped then. */
  readonly giveWay: () => void;
  /** Told when a build waits for this very one. */
  readonly hurry: () => void;
}

export interface TargetPlace {
  /** Null: `/app/target` is a plain folder. */
  readonly layer: TargetLayer | null;
  /** What making the template took; null when none was made. */
  readonly made: BuildStats | null;
}

export interface Templates {
  readonly store: TemplateStore;
  /** Never throws for a template that could not be made: the build is then an ordinary one. */
  prepare(wish: TargetWish): Promise<TargetPlace>;
  /** False when there is one already. Throws what kept it from being made. */
  makeAhead(wish: AheadWish): Promise<boolean>;
  /** After a build that could not live with its layer: a plain folder with the same content. */
  flatten(folders: BuildFolders, user: BuildUser | null, isHopeless: boolean): Promise<void>;
}

/** Shared dependencies of all apps of one daemon; at most one template is made at a time. */
export function openTemplates(buildCache: string): Templates {
  const store = openTemplateStore(buildCache);
  const inTurn = createTurns();
  let canOverlay = true;
  let ahead: Pick<AheadWish, "plan" | "giveWay" | "hurry"> | null = null;

  const place = async (wish: TargetWish, key: string): Promise<TargetLayer | null> => {
    await store.touch(key);
    const { target } = store.folders.of(key);
    if (wish.user !== null && canOverlay) return openLayer(wish.folders, { key, target }, wish.user);
    await copyTemplate(wish.folders, target, wish.user);
    return null;
  };

  const make = async (
    wish: Pick<TargetWish, "jobUser" | "run" | "surroundings">,
    plan: TemplatePlan,
  ): Promise<BuildStats | null> => {
    const { jobUser, run } = wish;
    const { job } = store.folders;
    if (jobUser !== null) await endProcessTree({ pid: null, groups: [], uid: jobUser.uid });
    await prepareJob(job, plan, jobUser);
    try {
      const surroundings = await wish.surroundings();
      const steps = planTemplateSteps(
        { ...surroundings, folders: job, user: jobUser, targetLayer: null, sdk: plan.sdk ?? null },
        plan,
      );
      const stats = await run.run(steps);
      return (await store.keep(plan)) ? stats : null;
    } finally {
      await clearJob(job);
    }
  };

  return {
    store,

    async prepare(wish) {
      const { folders, plan, run } = wish;
      if (wish.isTaken || (await hasPlainTarget(folders))) {
        await dropLayer(folders);
        return { layer: null, made: null };
      }
      const templates = await store.list();
      const last = await loadLayerKey(folders);
      const current = templates.find((template) => template.key === last);
      if (current !== undefined && (typeof plan === "string" || isStillFitting(current, plan))) {
        return { layer: await place(wish, current.key), made: null };
      }
      await dropLayer(folders);
      if (typeof plan === "string") return { layer: null, made: null };
      if (ahead !== null && ahead.plan.key !== plan.key) ahead.giveWay();
      else if (ahead !== null) {
        ahead.hurry();
        wish.onWait?.();
      }
      try {
        return await inTurn(run.signal, async () => {
          // Whoever was before may have made it.
          const chosen = chooseTemplate(plan, await store.list());
          const made = chosen === null ? await make(wish, plan) : null;
          const key = chosen?.key ?? (made === null ? null : plan.key);
          return { layer: key === null ? null : await place(wish, key), made };
        });
      } catch (error) {
        run.assertGoing();
        const why = error instanceof BloomError ? error.message : String(error);
        run.note(
          `The dependencies could not be compiled apart from the app (${why}); it is built as a whole.`,
        );
        await dropLayer(folders);
        return { layer: null, made: null };
      }
    },

    async makeAhead(wish) {
      const { plan, run } = wish;
      const isThere = async (): Promise<boolean> => (await store.list()).some(({ key }) => key === plan.key);
      if (await isThere()) return false;
      return inTurn(run.signal, async () => {
        if (await isThere()) return false;
        ahead = wish;
        try {
          return (await make(wish, plan)) !== null;
        } finally {
          ahead = null;
        }
      });
    },

    async flatten(folders, user, isHopeless) {
      if (isHopeless) canOverlay = false;
      const key = await loadLayerKey(folders);
      if (key !== null) await copyTemplate(folders, store.folders.of(key).target, user);
    },
  };
}

/** One after the other. Whoever is told to stop while waiting leaves at once; work that has begun ends by itself. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  return async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    let hasBegun = false;
    const mine = last.then(() => {
      signal.throwIfAborted();
      hasBegun = true;
      return work();
    });
    last = mine.catch(() => undefined);
    const left = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([mine, left]).catch(() => undefined);
    if (!hasBegun) signal.throwIfAborted();
    return mine;
  };
}
