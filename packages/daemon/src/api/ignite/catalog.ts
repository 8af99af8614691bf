import { BloomError, type ignite } from "@bloomery/contract";
import type { input } from "zod";
import { findOrg } from "../../deploy/places.js";
import type { Org } from "../../store/orgs.js";
import type { Handlers } from "../handlers.js";
import type { ApiContext } from "../routes/context.js";
import { findFunction } from "./find-function.js";
import { viewFunction, type AppMeta } from "./view-app.js";

type Noun = Pick<Handlers, "igniteListCatalog" | "igniteListPublicCatalog" | "igniteGetPublicCatalog">;
type Entry = input<typeof ignite.catalogEntry>;
interface Page {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** The organization whose functions are shown to everybody who may call them anyway. */
const publicOrg = "public";

/** Published functions, as their callers look for them. */
export function createCatalogHandlers(context: Pick<ApiContext, "store" | "secrets" | "views">): Noun {
  const { store } = context;

  const list = async (
    org: Org,
    { limit, cursor }: Page,
    isShown: (app: AppMeta) => boolean,
  ): Promise<{ entries: Entry[]; nextCursor?: string }> => {
    const found = await store.functions.listApps({ orgId: org.id, limit: limit + 1, after: cursor });
    const rows = found.slice(0, limit);
    const apps = await Promise.all(
      rows.map(async ({ name }) =>
        viewFunction(context, await findFunction(store, { org: org.name, app: name })),
      ),
    );
    const entries = apps.filter((app) => app.activeVersion > 0 && isShown(app)).map(viewEntry);
    const last = found.length > limit ? rows.at(-1) : undefined;
    return last === undefined ? { entries } : { entries, nextCursor: last.name };
  };

  return {
    async igniteListCatalog({ params, query }, { caller }) {
      const isTheirs = ({ name }: AppMeta): boolean => caller.appName === null || caller.appName === name;
      return list(await findOrg(store, params.org), query, isTheirs);
    },

    async igniteListPublicCatalog({ query }) {
      const org = await store.orgs.getByName(publicOrg);
      return org === undefined ? { entries: [] } : list(org, query, isOpen);
    },

    async igniteGetPublicCatalog({ params: { name } }) {
      const place = await findFunction(store, { org: publicOrg, app: name }).catch((error: unknown) => {
        if (!(error instanceof BloomError)) throw error;
      });
      const app = place === undefined ? undefined : await viewFunction(context, place);
      if (app !== undefined && app.activeVersion > 0 && isOpen(app)) return viewEntry(app);
      // The same for what is not there and for what is not shown.
      throw new BloomError("ERR_NOT_FOUND", `there is no public function ${name}`, {
        hint: "GET /v1/ignite/public/catalog lists them.",
      });
    },
  };
}

function isOpen({ allowUnauthenticated }: AppMeta): boolean {
  return allowUnauthenticated;
}

function viewEntry(app: AppMeta): Entry {
  const { id, name, organizationName, description, runtime, version } = app;
  const { inputSchema, outputSchema, mcpEnabled, allowUnauthenticated, url } = app;
  return {
    ...{ appId: id, name, organizationName, description, runtime, version },
    ...{ inputSchema, outputSchema, mcpEnabled, allowUnauthenticated, url },
  };
}
