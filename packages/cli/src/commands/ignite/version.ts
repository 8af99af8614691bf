import type { Command } from "../../command.js";
import { renderFields } from "../../output/table.js";
import { numberOf, textOf } from "./app-settings.js";
import { callFlags, inputArgument, planCall } from "./call.js";
import { defineVerb } from "./define.js";
import { functionArgument, versionArgument } from "./flags.js";
import { aboutFunction, functionOf, nameOf } from "./function-ref.js";
import { parseVersion } from "./invoke.js";
import { collectPages, pageFlags, sayMore } from "./paging.js";
import { printAnswer } from "./print-answer.js";
import { codeFlags, writeCode } from "./write-code.js";
import { formatMoment, plainWord } from "./words.js";

export const versionCommands: readonly Command[] = [
  defineVerb({
    name: "version list",
    summary: "List a function's versions, newest first",
    args: [functionArgument],
    flags: pageFlags,
    examples: ["dodil ignite version list org:hello", "dodil ignite version list org:hello -o wide"],
    async run(context) {
      const { client, output, flags } = context;
      const ref = functionOf(context);
      const { items, nextCursor } = await aboutFunction(context, ref, () =>
        collectPages({ limit: numberOf(flags, "limit"), cursor: textOf(flags, "cursor") }, async (query) => {
          const page = await client().call("igniteListVersions", { params: ref, query });
          return { items: page.versions, nextCursor: page.nextCursor };
        }),
      );
      const wide = output.wide === true;
      output.table(
        { versions: items, ...(nextCursor === undefined ? {} : { nextCursor }) },
        ["VERSION", "STATUS", "CODE", ...(wide ? ["TIER", "RUNTIME", "RUSTC", "SDK"] : []), "CREATED"],
        items.map((one) => [
          `v${one.version}`,
          plainWord(one.status),
          one.codeHash,
          ...(wide ? [plainWord(one.resourceTier), one.runtime, one.toolchainVersion, one.sdkVersion] : []),
          formatMoment(one.createdAtMs),
        ]),
      );
      sayMore(context, nextCursor);
    },
  }),
  defineVerb({
    name: "version get",
    summary: "Show a function as it was published",
    args: [functionArgument, versionArgument],
    examples: ["dodil ignite version get org:hello 2"],
    async run(context) {
      const ref = functionOf(context);
      const version = versionOf(context.args);
      const app = await aboutFunction(context, ref, () =>
        context.client().call("igniteGetVersion", { params: { ...ref, version } }),
      );
      const { limits, scaling } = app;
      context.output.result(
        app,
        renderFields([
          ["id", app.id],
          ["version", `v${version}`],
          ["runtime", app.runtime],
          ["tier", plainWord(app.resourceTier)],
          ["limits", `${limits.memoryMb} MB, ${limits.cpuMillicores} millicores, ${limits.timeoutSecs} s`],
          ["replicas", `${scaling.minReplicas} to ${scaling.maxReplicas}`],
          ["env", Object.keys(app.env).join(", ") || "-"],
          ["created", formatMoment(app.createdAtMs)],
        ]),
      );
    },
  }),
  defineVerb({
    name: "version rollback",
    summary: "Make an earlier version the active one, without building",
    args: [functionArgument, versionArgument],
    examples: ["dodil ignite version rollback org:hello 1"],
    async run(context) {
      const ref = functionOf(context);
      const body = { version: versionOf(context.args) };
      // Never broken off: we would not know which version is active.
      const answer = await aboutFunction(context, ref, () =>
        context.client().call("igniteRollback", { params: ref, body }, { signal: null }),
      );
      context.output.result(answer, [`version ${answer.activeVersion} of ${nameOf(ref)} is active`]);
    },
  }),
  defineVerb({
    name: "version code",
    summary: "Get the code of a version back as it was given",
    args: [functionArgument],
    flags: [{ flag: "--version <number>", about: "which one; otherwise the active one" }, ...codeFlags],
    examples: [
      "dodil ignite version code org:hello --version 2 --to hello.tar.gz",
      "bloom version code hello | tar xz -C hello",
    ],
    async run(context) {
      const ref = functionOf(context);
      const version = parseVersion(context.flags["version"]);
      await aboutFunction(context, ref, () => writeCode(context, ref, version));
    },
  }),
  defineVerb({
    name: "version test",
    summary: "Run a version once, beside what is live",
    args: [functionArgument, versionArgument, inputArgument],
    flags: callFlags,
    examples: [`dodil ignite version test org:hello 2 -p '{"message": "hi"}'`],
    async run(context) {
      const ref = functionOf(context);
      const version = versionOf(context.args);
      const body = await planCall(context, context.args[2]);
      return aboutFunction(context, ref, () =>
        printAnswer(
          context,
          context.client().stream("igniteTestVersion", { params: { ...ref, version }, body }),
        ),
      );
    },
  }),
];

function versionOf(args: readonly string[]): number {
  return parseVersion(args[1] ?? "", "the version") ?? 0;
}
