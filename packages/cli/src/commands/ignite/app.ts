import { BloomError, type ignite } from "@bloomery/contract";
import type { Command } from "../../command.js";
import { renderFields } from "../../output/table.js";
import { numberOf, planSettings, settingFlags, textOf, unsetEnvFlag } from "./app-settings.js";
import { createFunction } from "./create-function.js";
import { defineIgniteVerb, defineVerb } from "./define.js";
import { functionArgument } from "./flags.js";
import { aboutFunction, functionOf, nameOf, parseFunction } from "./function-ref.js";
import { collectPages, pageFlags, sayMore } from "./paging.js";
import { formatMoment, plainWord } from "./words.js";

export const appCommands: readonly Command[] = [
  defineVerb({
    name: "app create",
    summary: "Make a function; its code comes with `draft save`",
    about:
      "Without an organization in its name it is made in the one of --org, IGNITE_ORG_NAME, IGNITE_ORG_ID or the settings\nfile, otherwise in `local`.",
    args: [{ name: "name", about: "its name, `app` or `org:app`" }],
    flags: settingFlags,
    examples: [
      "dodil ignite app create hello --runtime rust --rust-target native",
      "dodil ignite app create acme:resize --tier large --timeout-secs 30 --env LOG=debug",
    ],
    async run(context) {
      const ref = functionOf(context);
      const answer = await createFunction(context, ref, await planSettings(context));
      const { appliedTier: tier, appliedLimits: limits } = answer;
      context.output.result(answer, [
        `${nameOf(ref)} is made: tier ${plainWord(tier)}, ${limits.memoryMb} MB, ${limits.cpuMillicores} millicores`,
      ]);
      context.output.say(`next: dodil ignite draft save ${nameOf(ref)} --code ./`);
    },
  }),
  defineVerb({
    name: "app get",
    summary: "Show a function",
    args: [functionArgument],
    examples: ["dodil ignite app get org:hello", "bloom app get hello -o yaml"],
    async run(context) {
      const ref = functionOf(context);
      const app = await aboutFunction(context, ref, () =>
        context.client().call("igniteGetApp", { params: ref }),
      );
      context.output.result(app, describeApp(app));
    },
  }),
  defineVerb({
    name: "app list",
    summary: "List the functions of an organization",
    args: [{ name: "org", about: "the organization, instead of --org", optional: true }],
    flags: pageFlags,
    examples: ["dodil ignite app list", "dodil ignite app list --org acme -o wide"],
    async run(context) {
      const { client, output, args, flags, settings } = context;
      const params = { org: args[0] ?? settings.org };
      const { items, nextCursor } = await collectPages(
        { limit: numberOf(flags, "limit"), cursor: textOf(flags, "cursor") },
        async (query) => {
          const page = await client().call("igniteListApps", { params, query });
          return { items: page.apps, nextCursor: page.nextCursor };
        },
      );
      const wide = output.wide === true;
      output.table(
        { apps: items, ...(nextCursor === undefined ? {} : { nextCursor }) },
        ["ID", "STATE", "VERSION", "TIER", ...(wide ? ["MEMORY", "CPU", "REPLICAS", "CREATED"] : []), "URL"],
        items.map((app) => [
          app.id,
          plainWord(app.deploymentState),
          app.activeVersion === 0 ? "-" : `v${app.activeVersion}`,
          plainWord(app.resourceTier),
          ...(wide ? wideCells(app) : []),
          app.url,
        ]),
      );
      sayMore(context, nextCursor);
    },
  }),
  defineVerb({
    name: "app update",
    summary: "Change what is said about a function; what is not named stays",
    args: [functionArgument],
    flags: [...settingFlags, unsetEnvFlag],
    examples: [
      "dodil ignite app update org:hello --max-replicas 4 --env LOG=debug",
      "dodil ignite app update org:hello --unset-env LOG --no-mcp-enabled",
    ],
    async run(context) {
      const ref = functionOf(context);
      const body = await planSettings(context);
      if (Object.keys(body).length === 0) {
        throw new BloomError("ERR_USAGE", "nothing is named that should change", {
          hint: "Give at least one flag, such as --tier medium; --help lists them.",
        });
      }
      const app = await aboutFunction(context, ref, () =>
        context.client().call("igniteUpdateAppConfig", { params: ref, body }),
      );
      context.output.result(app, describeApp(app));
    },
  }),
  defineVerb({
    name: "app state",
    summary: "Show what runs of a function",
    args: [functionArgument],
    examples: ["dodil ignite app state org:hello", "dodil ignite app state org:hello -o wide"],
    async run(context) {
      const { client, output } = context;
      const ref = functionOf(context);
      const state = await aboutFunction(context, ref, () =>
        client().call("igniteGetAppState", { params: ref }),
      );
      const lines = renderFields([
        ["state", plainWord(state.deploymentState)],
        ["version", state.activeVersion === 0 ? "-" : `v${state.activeVersion}`],
        ["replicas", `${state.readyReplicas} ready of ${state.wantedReplicas} wanted`],
      ]);
      if (output.wide !== true) return output.result(state, lines);
      const { replicas } = await client().call("igniteListReplicas", { params: ref });
      const running = replicas.map(
        (one) => `${one.replicaId}  v${one.version}  ${one.state}  ${formatMoment(one.startedAtMs)}`,
      );
      output.result({ ...state, replicas }, [...lines, ...running]);
    },
  }),
  defineIgniteVerb({
    name: "app delete",
    summary: "Delete a function with its versions, executions and logs",
    args: [functionArgument],
    examples: ["dodil ignite app delete org:hello", "dodil ignite app delete org:hello --yes"],
    async run(context) {
      const ref = parseFunction(context, context.args[0] ?? "");
      const { client, output, confirm } = context;
      await aboutFunction(context, ref, async () => {
        await client().call("igniteGetApp", { params: ref });
        await confirm(`Delete ${nameOf(ref)} with its versions, executions and logs?`);
        const answer = await client().call("igniteDeleteApp", { params: ref });
        output.result(answer, [`${nameOf(ref)} is deleted`]);
      });
    },
  }),
];

function wideCells({ limits, scaling, createdAtMs }: ignite.AppMeta): string[] {
  const { minReplicas, maxReplicas } = scaling;
  return [
    `${limits.memoryMb} MB`,
    `${limits.cpuMillicores}m`,
    `${minReplicas}-${maxReplicas}`,
    formatMoment(createdAtMs),
  ];
}

function describeApp(app: ignite.AppMeta): string[] {
  const { limits, scaling } = app;
  const schemas = [app.inputSchema === "" ? "" : "input", app.outputSchema === "" ? "" : "output"];
  return renderFields([
    ["id", app.id],
    ["state", plainWord(app.deploymentState)],
    ["version", app.activeVersion === 0 ? "-" : `v${app.activeVersion}`],
    ["url", app.url],
    ["description", app.description === "" ? "-" : app.description],
    ["runtime", app.runtime],
    ["tier", plainWord(app.resourceTier)],
    ["limits", `${limits.memoryMb} MB, ${limits.cpuMillicores} millicores, ${limits.timeoutSecs} s`],
    ["replicas", `${scaling.minReplicas} to ${scaling.maxReplicas}, ${scaling.reserved} reserved`],
    ["concurrency", `${scaling.maxConcurrency || "any"}, ${scaling.queueLimit} may wait`],
    ["idle", `${scaling.idleSecs} s`],
    ["env", Object.keys(app.env).join(", ") || "-"],
    ["schemas", schemas.filter((one) => one !== "").join(", ") || "-"],
    ["mcp", app.mcpEnabled ? "yes" : "no"],
    ["storage", app.storageMode === "TTL" ? `ttl, ${app.ttlSecs} s` : plainWord(app.storageMode)],
    ["payloads", app.keepPayloads ? "kept" : "not kept"],
    ["token", app.allowUnauthenticated ? "not needed" : "needed"],
    ["created", formatMoment(app.createdAtMs)],
  ]);
}
