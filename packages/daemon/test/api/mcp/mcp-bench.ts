import type { AddressInfo } from "node:net";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { pino } from "pino";
import { completeConfig, type FunctionConfig } from "@bloomery/contract";
import type { Caller } from "../../../src/api/caller.js";
import type { Handlers } from "../../../src/api/handlers.js";
import { createToolHandlers } from "../../../src/api/routes/tools.js";
import { createApiServer } from "../../../src/api/server.js";
import { assertFits } from "../../../src/deploy/function/invoke/calls.js";
import type { InvokeFrameData, Invoker } from "../../../src/deploy/function/ports.js";
import { openStore, type Store } from "../../../src/store/index.js";

const everywhere = { orgId: null, orgName: null, appId: null, appName: null };
const callers: Record<string, Caller> = {
  all: { name: "all", role: "viewer", ...everywhere },
  ours: { name: "ours", role: "viewer", ...everywhere, orgName: "acme" },
  one: { name: "one", role: "viewer", ...everywhere, orgName: "acme", appName: "adder" },
  theirs: { name: "theirs", role: "admin", ...everywhere, orgName: "evil" },
};

export type FunctionAnswer = (signal: AbortSignal) => AsyncIterable<InvokeFrameData>;

/** A real API with functions that answer what the test says. */
export interface McpBench {
  readonly store: Store;
  readonly base: string;
  readonly calls: { readonly app: string; readonly kind: string; readonly body: unknown }[];
  answer: FunctionAnswer;
  /** Makes a new version live. */
  publish(name: string, wish?: Partial<FunctionConfig>, org?: string): Promise<string>;
  makeLive(environmentId: string, versionId: string): Promise<void>;
  connect(token: string, org?: string): Promise<Client>;
  close(): Promise<void>;
}

export async function openMcpBench(): Promise<McpBench> {
  const store = await openStore({ url: "sqlite::memory:" });
  const calls: McpBench["calls"] = [];
  const clients: Client[] = [];
  const invoker: Invoker = {
    async *invoke({ place }, request, { kind, signal }) {
      const live = await store.versions.get(place.environment.liveVersionId ?? "");
      const own = live?.config.function ?? null;
      if (own !== null) assertFits(request, own);
      const body: unknown = JSON.parse(Buffer.from(request.payload).toString());
      calls.push({ app: place.app.name, kind, body });
      yield* bench.answer(signal);
    },
  };
  const api = createApiServer({
    handlers: createToolHandlers({ store }) as unknown as Handlers,
    authenticate: async (secret) => callers[secret],
    log: pino({ level: "silent" }),
    allowedHosts: ["127.0.0.1"],
    tools: { store, invoker, version: "0" },
  });
  await api.listen({ host: "127.0.0.1", port: 0 });
  const base = `http://127.0.0.1:${(api.server.address() as AddressInfo).port}`;

  const makeLive = async (environmentId: string, versionId: string): Promise<void> => {
    const release = await store.releases.create({ environmentId, versionId, variables: "" });
    await store.environments.update(environmentId, { liveReleaseId: release.id });
  };
  const bench: McpBench = {
    store,
    base,
    calls,
    answer: () => frames(200, "application/json", '{"sum":3}'),
    makeLive,

    async publish(name, wish = {}, org = "acme") {
      const { id: orgId } = await store.orgs.ensure(org);
      const { app } = await store.apps.ensure({ orgId, name });
      const { environment } = await store.environments.ensure({ appId: app.id, name: "main" });
      const build = await store.builds.create({ appId: app.id, key: `k${Math.random()}`, tree: "t" });
      const config = completeConfig({ name, web: { start: "x" }, function: { mcp: true, ...wish } });
      const version = await store.versions.create({
        ...{ appId: app.id, buildId: build.id, artifact: "a", tree: "t", config, createdBy: "ada" },
      });
      await makeLive(environment.id, version.id);
      return version.id;
    },

    async connect(token, org = "acme") {
      const client = new Client({ name: "test", version: "0" });
      const requestInit = { headers: { authorization: `Bearer ${token}` } };
      const transport = new StreamableHTTPClientTransport(new URL(`${base}/v1/mcp/${org}`), { requestInit });
      await client.connect(transport);
      clients.push(client);
      return client;
    },

    async close() {
      for (const client of clients) await client.close();
      await api.close();
      await store.close();
    },
  };
  return bench;
}

export async function* frames(status: number, type: string, body: string): AsyncGenerator<InvokeFrameData> {
  yield { head: { executionId: "x-1", version: 1, status, headers: { "content-type": type } } };
  yield { chunk: { data: Buffer.from(body) } };
  const ended = status < 500 ? "EXECUTION_STATUS_SUCCEEDED" : "EXECUTION_STATUS_FAILED";
  yield { trailer: { status: ended, bytes: body.length, durationMs: 1 } };
}
