import { BloomError } from "@bloomery/contract";
import { findApp, findOrg } from "../../deploy/places.js";
import { recordActivity } from "../activity.js";
import { hashSecret, newSecret } from "../caller.js";
import type { Handlers } from "../handlers.js";
import { buildOpenApi } from "../openapi.js";
import { viewToken } from "../views.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<
  Handlers,
  | "getHealth"
  | "getOpenApi"
  | "getStatus"
  | "shutdown"
  | "listOrgs"
  | "createOrg"
  | "deleteOrg"
  | "listTokens"
  | "createToken"
  | "deleteToken"
>;

export function createPlatformHandlers(context: ApiContext): Noun {
  const { store } = context;
  return {
    getHealth: async () => ({ ok: true, version: context.version }),
    getOpenApi: async () => buildOpenApi(context.version),
    getStatus: () => context.status(),

    async shutdown({ body }) {
      // The answer leaves first; the daemon ends right after it.
      setImmediate(() => context.shutdown(body.apps));
      return { ok: true };
    },

    async listOrgs(_call, { caller }) {
      const orgs = await store.orgs.list();
      return { orgs: orgs.filter((org) => caller.orgId === null || caller.orgId === org.id) };
    },

    createOrg: ({ body }, { caller }) =>
      recordActivity(
        store,
        {
          type: "org.create",
          actor: caller.name,
          description: `${caller.name} made the organization ${body.name}`,
          parameters: { org: body.name },
        },
        () => store.orgs.create(body.name),
      ),

    async deleteOrg({ params }, { caller }) {
      const org = await findOrg(store, params.org);
      const order = {
        type: "org.delete",
        actor: caller.name,
        description: `${caller.name} removed the organization ${org.name}`,
        parameters: { org: org.name },
      };
      return recordActivity(store, order, async () => {
        if (!(await store.orgs.removeEmpty(org.id))) {
          throw new BloomError("ERR_INVALID_ARGUMENT", `the organization ${org.name} still has apps`, {
            hint: "Delete its apps first: `bloom app delete ORG:APP`.",
          });
        }
        return { ok: true as const };
      });
    },

    async listTokens() {
      const rows = await store.tokens.list();
      return { tokens: rows.map(viewToken) };
    },

    async createToken({ body }, { caller }) {
      const org = body.org === null ? undefined : await findOrg(store, body.org);
      const app =
        body.org === null || body.app === null
          ? undefined
          : (await findApp(store, { org: body.org, app: body.app })).app;
      const secret = newSecret();
      const order = {
        type: "token.create",
        actor: caller.name,
        description: `${caller.name} made the ${body.role} token ${body.name}`,
        parameters: { token: body.name },
        ...(org === undefined ? {} : { orgId: org.id }),
      };
      return recordActivity(store, order, async () => {
        const row = await store.tokens.create({
          name: body.name,
          role: body.role,
          orgId: org?.id ?? null,
          appId: app?.id ?? null,
          hash: hashSecret(secret),
          expiresAt:
            body.expiresInSeconds === null
              ? null
              : new Date(Date.now() + body.expiresInSeconds * 1000).toISOString(),
        });
        return { ...viewToken(row), secret };
      });
    },

    async deleteToken({ params }, { caller }) {
      const row = await store.tokens.get(params.token);
      if (row === undefined) throw new BloomError("ERR_NOT_FOUND", `there is no token ${params.token}`);
      const order = {
        type: "token.delete",
        actor: caller.name,
        description: `${caller.name} removed the token ${row.name}`,
        parameters: { token: row.name },
      };
      return recordActivity(store, order, async () => {
        await store.tokens.remove(row.id);
        return { ok: true as const };
      });
    },
  };
}
