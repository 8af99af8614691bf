import { BloomError, type ApiRoutes, type ignite, type RouteCall } from "@bloomery/contract";
import type { DraftCode } from "../../deploy/function/drafts.js";
import { namesOf, urlOf } from "../../deploy/places.js";
import { recordActivity } from "../activity.js";
import type { Build } from "../../store/builds.js";
import type { Caller } from "../caller.js";
import type { Handlers } from "../handlers.js";
import type { ApiContext } from "../routes/context.js";
import { waitFinished } from "../wait-finished.js";
import { findFunction } from "./find-function.js";
import { viewDraft } from "./view-draft.js";

type Noun = Pick<
  Handlers,
  | "igniteSaveDraft"
  | "igniteGetDraft"
  | "igniteCompileDraft"
  | "igniteCompileLogs"
  | "igniteGetBuildLog"
  | "ignitePublishDraft"
>;
type SaveBody = RouteCall<ApiRoutes["igniteSaveDraft"]>["body"];

export function createIgniteDraftHandlers(context: ApiContext): Noun {
  const { store, functions, views } = context;
  return {
    async igniteSaveDraft({ params, body }, { caller }) {
      const place = await findFunction(store, params);
      const order = {
        type: "draft.save",
        actor: caller.name,
        description: `${caller.name} saved the draft of ${params.org}:${params.app}`,
        orgId: place.org.id,
        appId: place.app.id,
        parameters: { ...params },
      };
      const draft = await recordActivity(store, order, async () =>
        functions.drafts.save(place, await functions.drafts.receive(place.app.name, readCode(body))),
      );
      return { draft: viewDraft(draft) };
    },

    async igniteGetDraft({ params }) {
      const { app } = await findFunction(store, params);
      return { draft: viewDraft(await store.drafts.get(app.id)) };
    },

    async igniteCompileDraft({ params }, { caller }) {
      const draft = await functions.drafts.compile(await findFunction(store, params), caller.name);
      return { deployId: draft.buildId ?? "", draft: viewDraft(draft) };
    },

    async *igniteCompileLogs({ params }, { caller, signal }) {
      const build = await store.builds.get(params.deploy);
      if (build === undefined || !(await isTheirs(context, build.appId, caller)))
        throw noCompile(params.deploy);
      for await (const { at, text, status } of functions.followCompile(build, signal)) {
        const line = { deployId: build.id, timestampMs: at, text };
        yield status === undefined ? line : { ...line, status };
      }
    },

    async igniteGetBuildLog({ params }) {
      const { app } = await findFunction(store, params);
      const build = await store.builds.get(params.build);
      if (build === undefined || build.appId !== app.id) throw noCompile(params.build);
      const lines: string[] = [];
      // Nothing is waited for: what there is, is told.
      for await (const line of functions.followCompile(build, AbortSignal.abort())) lines.push(line.text);
      return { buildId: build.id, status: compileStatuses[build.state], log: lines.join("\n") };
    },

    async ignitePublishDraft({ params }, { caller, signal }) {
      const place = await findFunction(store, params);
      const { id } = await functions.publish(place, caller.name);
      await waitFinished(context, id, signal);
      const row = await store.deployments.get(id);
      return { version: row?.versionNumber ?? 0, url: urlOf(namesOf(place), views.edge) };
    },
  };
}

const compileStatuses = {
  pending: "DRAFT_STATUS_COMPILING",
  running: "DRAFT_STATUS_COMPILING",
  succeeded: "DRAFT_STATUS_COMPILED",
  failed: "DRAFT_STATUS_FAILED",
  cancelled: "DRAFT_STATUS_FAILED",
} as const satisfies Record<Build["state"], ignite.DraftStatus>;

function noCompile(id: string): BloomError {
  return new BloomError("ERR_NOT_FOUND", `there is no compile ${id}`, {
    hint: "`bloom draft info APP` has the id of the last one.",
  });
}

/** The code and what was said with it. */
export function readCode({ code, inputSchema, outputSchema }: SaveBody): DraftCode {
  const { runtime, sourceCode, fileName, dependencies } = code.compile;
  return {
    bytes: sourceCode,
    fileName,
    wishes: {
      runtime: runtime ?? null,
      dependencies,
      inputSchema: inputSchema ?? null,
      outputSchema: outputSchema ?? null,
    },
  };
}

/** The route names no app, so that it is seen here whether a limited token reaches it. */
async function isTheirs({ store }: ApiContext, appId: string, caller: Caller): Promise<boolean> {
  const app = await store.apps.get(appId);
  if (app === undefined) return false;
  return (
    (caller.orgId === null || caller.orgId === app.orgId) &&
    (caller.appId === null || caller.appId === app.id)
  );
}
