import { BloomError, formatAppRef } from "@bloomery/contract";
import { findDraft } from "../../deploy/function/drafts.js";
import type { Place } from "../../deploy/places.js";
import { namesOf } from "../../deploy/places.js";
import type { Version } from "../../store/versions.js";
import type { Handlers } from "../handlers.js";
import type { ApiContext } from "../routes/context.js";
import { waitFinished } from "../wait-finished.js";
import { findFunction } from "./find-function.js";
import { viewFrozen } from "./view-app.js";
import { viewVersion } from "./view-draft.js";

type Noun = Pick<
  Handlers,
  "igniteListVersions" | "igniteGetVersion" | "igniteRollback" | "igniteGetCode" | "igniteGetAppCode"
>;

export function createIgniteVersionHandlers(context: ApiContext): Noun {
  const { store, deployer, sources } = context;

  const packVersion = async ({ app }: Place, { number, tree }: Version) => ({
    fileName: `${app.name}-v${number}.tar.gz`,
    version: number,
    sourceCode: await sources.pack(tree),
  });

  const packDraft = async (place: Place) => ({
    fileName: `${place.app.name}-draft.tar.gz`,
    version: 0,
    sourceCode: await sources.pack((await findDraft(store, place)).tree),
  });

  const findVersion = async (place: Place, number: number): Promise<Version> => {
    const version = await store.versions.getByNumber(place.app.id, number);
    if (version !== undefined) return version;
    throw new BloomError("ERR_NOT_FOUND", `${formatAppRef(namesOf(place))} has no version ${number}`, {
      hint: "`bloom versions APP` lists the versions.",
    });
  };

  return {
    async igniteListVersions({ params, query }) {
      const { app, environment } = await findFunction(store, params);
      const before = readCursor(query.cursor);
      const page = await store.versions.list({
        appId: app.id,
        limit: query.limit + 1,
        ...(before === undefined ? {} : { before }),
      });
      const rows = page.slice(0, query.limit);
      const versions = rows.map((row) => viewVersion(row, environment.liveVersionId));
      const last = page.length > query.limit ? rows.at(-1) : undefined;
      return last === undefined ? { versions } : { versions, nextCursor: String(last.number) };
    },

    async igniteGetVersion({ params }) {
      const place = await findFunction(store, params);
      return viewFrozen(context, place, await findVersion(place, params.version));
    },

    async igniteRollback({ params, body }, { caller, signal }) {
      const place = await findFunction(store, params);
      const { id } = await deployer.rollback(place, body.version, {}, caller.name);
      await waitFinished(context, id, signal);
      return { activeVersion: (await store.deployments.get(id))?.versionNumber ?? body.version };
    },

    async igniteGetCode({ params }) {
      const place = await findFunction(store, params);
      return packVersion(place, await findVersion(place, params.version));
    },

    async igniteGetAppCode({ params, query }) {
      const place = await findFunction(store, params);
      const wanted = query.version ?? place.environment.liveVersionNumber ?? 0;
      return wanted === 0 ? packDraft(place) : packVersion(place, await findVersion(place, wanted));
    },
  };
}

/** The number of the last version of the page before. Throws ERR_INVALID_ARGUMENT for what was never said. */
function readCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw new BloomError("ERR_INVALID_ARGUMENT", "the cursor is not one that an answer has given", {
    hint: "Pass on what `nextCursor` said, unchanged.",
  });
}
