import { BloomError, formatAppRef, toBloomError, type AppConfig } from "@bloomery/contract";
import { parseDependencies } from "../../build/function/parse-dependency.js";
import { parseSchema } from "../../config/json-schema.js";
import type { Activity } from "../../store/activities.js";
import type { Draft } from "../../store/drafts.js";
import type { Store } from "../../store/open-store.js";
import type { DraftWishes, FunctionFacts } from "../../store/versions.js";
import type { Jobs } from "../jobs.js";
import type { BuildPort } from "../obtain-version.js";
import { namesOf, type Place } from "../places.js";
import { readBuildVariables, type ReleaseParts } from "../releases.js";
import type { CompileLog, CompileLogs } from "./compile-log.js";
import { assertTarget } from "./merge-settings.js";
import { planFunctionConfig } from "./plan-function-config.js";

export interface DraftParts extends Pick<ReleaseParts, "secrets"> {
  readonly store: Store;
  readonly build: BuildPort;
  readonly jobs: Jobs;
  readonly logs: CompileLogs;
  /** Keeps code as it was sent. */
  readonly receiveCode: (bytes: Buffer, app: string) => Promise<{ readonly tree: string }>;
  /** What the code says, with remarks in words. Throws ERR_MANIFEST_INVALID and the like. */
  readonly readConfig: (tree: string, app: string) => Promise<ReadConfig>;
}

export interface ReadConfig {
  readonly config: AppConfig;
  readonly remarks: readonly string[];
}

export interface DraftCode {
  readonly bytes: Buffer;
  /** Tells what the bytes are meant to be. */
  readonly fileName: string | undefined;
  readonly wishes: DraftWishes;
}

/** The one mutable slot of a function, from the code to a compiled program. */
export interface Drafts {
  /** Checks the code and keeps it; it is nobody's draft yet. */
  receive(app: string, code: DraftCode): Promise<{ readonly tree: string; readonly wishes: DraftWishes }>;
  /** Overwrites the draft; a compile of other code ends. */
  save(place: Place, code: { readonly tree: string; readonly wishes: DraftWishes }): Promise<Draft>;
  /** Begins to compile the draft, or tells of the compile that is under way. Throws ERR_NOT_FOUND without a draft. */
  compile(place: Place, actor: string): Promise<Draft>;
  /** Ends what is compiled for an app that goes; resolves when nothing works for it any more. */
  forget(appId: string): Promise<void>;
}

interface Compile {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export function createDrafts(parts: DraftParts): Drafts {
  const { store, jobs } = parts;
  /** By app. */
  const compiling = new Map<string, Compile>();

  const endCompile = (appId: string, why: string): Promise<void> => {
    const running = compiling.get(appId);
    running?.abort.abort(new BloomError("ERR_BUILD_CANCELLED", `the compile was ended: ${why}`));
    return running?.done ?? Promise.resolve();
  };

  const begin = (place: Place, draft: Draft, build: string, actor: string): void => {
    const appId = place.app.id;
    const log = parts.logs.open(build);
    const abort = new AbortController();
    let finish: () => void = () => undefined;
    const entry: Compile = { abort, done: new Promise((resolve) => (finish = resolve)) };
    compiling.set(appId, entry);
    jobs.run(build, async (job) => {
      const signal = AbortSignal.any([job.signal, abort.signal]);
      try {
        await compile(parts, { place, draft, build, actor, signal, log });
      } finally {
        if (compiling.get(appId) === entry) compiling.delete(appId);
        log.close();
        finish();
      }
    });
  };

  return {
    async receive(app, { bytes, fileName, wishes }) {
      assertTarget(wishes.runtime ?? undefined);
      parseDependencies(wishes.dependencies);
      parseSchema(wishes.inputSchema ?? "", "input");
      parseSchema(wishes.outputSchema ?? "", "output");
      assertFileName(fileName);
      return { ...(await parts.receiveCode(bytes, app)), wishes };
    },

    async save({ app }, code) {
      const draft = await store.drafts.save(app.id, code);
      if (draft.status !== "compiling") void endCompile(app.id, "other code was saved");
      return draft;
    },

    async compile(place, actor) {
      for (;;) {
        const draft = await findDraft(store, place);
        if (draft.status === "compiling") return draft;
        const { id } = await store.builds.create({ appId: place.app.id, key: "", tree: draft.tree });
        const begun = await store.drafts.beginCompile(draft, id);
        if (begun !== undefined) {
          begin(place, begun, id, actor);
          return begun;
        }
        // Somebody was faster: with other code, or with a compile of his own.
        await store.builds.update(id, { state: "cancelled" });
      }
    },

    forget: (appId) => endCompile(appId, "its app was deleted"),
  };
}

/** Throws ERR_NOT_FOUND when nothing was saved yet. */
export async function findDraft(store: Store, place: Place): Promise<Draft> {
  const draft = await store.drafts.get(place.app.id);
  if (draft !== undefined) return draft;
  throw new BloomError("ERR_NOT_FOUND", `${formatAppRef(namesOf(place))} has no draft`, {
    hint: "`bloom draft save APP --code .` saves one.",
  });
}

interface CompileOrder {
  readonly place: Place;
  readonly draft: Draft;
  readonly build: string;
  readonly actor: string;
  readonly signal: AbortSignal;
  readonly log: CompileLog;
}

/** From the draft to an artifact; every end is recorded, none is thrown. */
async function compile(parts: DraftParts, order: CompileOrder): Promise<void> {
  const { store } = parts;
  const { place, build, actor } = order;
  let activity: Activity | undefined;
  try {
    activity = await store.activities.create({
      ...{ orgId: place.org.id, appId: place.app.id, environment: null, deploymentId: null },
      ...{ type: "draft.compile", state: "running", actor, parameters: { ...namesOf(place), build } },
      description: `${actor} compiled the draft of ${formatAppRef(namesOf(place))}`,
    });
    await store.drafts.endCompile(place.app.id, build, { ok: true, ...(await runBuild(parts, order)) });
    await store.activities.update(activity.id, { state: "succeeded" });
  } catch (problem) {
    const cancelled = order.signal.aborted;
    const error = toBloomError(cancelled ? order.signal.reason : problem).toDocument();
    const state = cancelled ? "cancelled" : "failed";
    if (activity !== undefined) await store.activities.update(activity.id, { state, error });
    // What failed before the build began has not been recorded by it.
    const row = await store.builds.get(build);
    if (row?.finishedAt === null) await store.builds.update(build, { state, error });
    await store.drafts.endCompile(place.app.id, build, { ok: false, error });
  }
}

async function runBuild(
  parts: DraftParts,
  { place, draft, build, actor, signal, log }: CompileOrder,
): Promise<{ readonly artifact: string; readonly config: AppConfig; readonly facts: FunctionFacts }> {
  const { tree, wishes } = draft;
  const { config: own, remarks } = await parts.readConfig(tree, place.app.name);
  for (const remark of remarks) log.write(remark);
  const row = await parts.store.functions.ensure(place.app.id);
  const config = planFunctionConfig(own, row.settings, wishes);
  const variables = await readBuildVariables(parts, place, config);
  const built = await parts.build.build(
    { place, tree, config, variables, actor, record: build },
    {
      signal,
      deployment: null,
      emit(event) {
        if (event.type === "log") log.write(event.text);
        if (event.type === "warning") log.write(event.message);
      },
    },
  );
  if (built.reused) log.write(reusedText);
  const { sdk = "", added = [], toolchain = built.toolchain } = built.facts ?? {};
  const facts = { codeHash: tree, sdk, toolchain, added, wishes };
  return { artifact: built.artifact, config, facts };
}

/** Said in place of a log that has nothing to tell. */
export const reusedText = "Nothing has changed: what was compiled before is used.";

/** Bytes that look like text are taken for Rust; a name can say that they were meant to be something else. */
function assertFileName(fileName: string | undefined): void {
  if (fileName === undefined || /\.(?:rs|zip|tar|tar\.gz|tgz)$/i.test(fileName)) return;
  throw new BloomError("ERR_INVALID_ARGUMENT", `${fileName} is neither an archive nor a .rs file`, {
    hint: "Send a folder, a zip, a tar.gz, or one .rs file as UTF-8.",
  });
}
