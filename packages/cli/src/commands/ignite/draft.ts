import {
  BloomError,
  isId,
  type ApiRoutes,
  type AppRef,
  type ignite,
  type RouteInput,
} from "@bloomery/contract";
import type { Command, Context } from "../../command.js";
import { renderFields } from "../../output/table.js";
import { listOf, planRuntime, runtimeFlags, schemaFlags } from "./app-settings.js";
import { callFlags, inputArgument, planCall } from "./call.js";
import { compileDraft, followCompile, hasText, noCompile } from "./compile.js";
import { defineVerb } from "./define.js";
import { functionArgument } from "./flags.js";
import { aboutFunction, functionOf, nameOf } from "./function-ref.js";
import { printAnswer } from "./print-answer.js";
import { readSchema } from "./read-schema.js";
import { assertSourceOnly, refusedFlags } from "./refused-flags.js";
import { codeFlags, writeCode } from "./write-code.js";
import { formatMoment, plainWord } from "./words.js";

export const codeFlag = {
  flag: "-c, --code <path>",
  about: "a folder with a Cargo.toml, one .rs file, a .zip or a .tar.gz",
};
export const dependencyFlag = {
  flag: "-d, --dependency <crate>",
  about: "add a dependency: name, name@1.2 or name@1.2+feature,other",
  many: true,
} as const;

export const draftCommands: readonly Command[] = [
  defineVerb({
    name: "draft save",
    summary: "Overwrite the draft with code from this machine",
    about:
      "A folder is packed without .git, node_modules, __pycache__, cargo's target, .venv and what .gitignore and\n.bloomignore name. What is not said about the compile stays as `app create` said it.",
    args: [functionArgument],
    flags: [codeFlag, dependencyFlag, ...schemaFlags, ...runtimeFlags, ...refusedFlags],
    examples: [
      "dodil ignite draft save org:hello --code ./",
      "dodil ignite draft save org:hello -c src/main.rs -d uuid@1+v4 --toolchain 1.93",
    ],
    async run(context) {
      const ref = functionOf(context);
      const body = await planDraft(context);
      const draft = await aboutFunction(context, ref, () => saveDraft(context, ref, body));
      context.output.result({ draft }, describeDraft(draft));
    },
  }),
  defineVerb({
    name: "draft info",
    also: ["draft status"],
    summary: "Show what the draft is",
    args: [functionArgument],
    examples: ["dodil ignite draft info org:hello", "bloom draft status hello --json"],
    async run(context) {
      const ref = functionOf(context);
      const { draft } = await aboutFunction(context, ref, () =>
        context.client().call("igniteGetDraft", { params: ref }),
      );
      context.output.result(draft, describeDraft(draft));
    },
  }),
  defineVerb({
    name: "draft compile",
    summary: "Compile the draft",
    about: "The log is shown on standard error until the compile has ended; exit code 11 when it failed.",
    args: [functionArgument],
    flags: [
      { flag: "--follow", about: "show the log until the end (so it is anyway)" },
      { flag: "--no-follow", about: "answer at once, with the id to follow it by" },
    ],
    examples: [
      "dodil ignite draft compile org:hello",
      "dodil ignite draft compile org:hello --no-follow --json",
    ],
    async run(context) {
      const ref = functionOf(context);
      const follow = context.flags["follow"] !== false;
      const { deployId, draft } = await aboutFunction(context, ref, () => compileDraft(context, ref, follow));
      const added = draft.added ?? [];
      context.output.result({ deployId, draft }, [
        `${nameOf(ref)}: ${plainWord(draft.status)}, ${deployId}`,
        ...added.map((one) => `  ${one}`),
      ]);
    },
  }),
  defineVerb({
    name: "draft compile-logs",
    summary: "Print the log of a compile until it has ended",
    args: [{ name: "id", about: "a deploy id, or a function: then its draft's last compile" }],
    examples: [
      "dodil ignite draft compile-logs bld-7k2m9xq4wz3b",
      "dodil ignite draft compile-logs org:hello",
    ],
    async run(context) {
      const [word = ""] = context.args;
      // One with a slip of the pen is still meant as an id.
      const isMeant = isId("build", word) || /^bld-[a-z\d]{12}$/.test(word);
      const deployId = isMeant ? word : await lastCompile(context);
      await followCompile(context, deployId, (line) => {
        if (context.output.json || hasText(line)) context.output.line(line, line.text);
      });
    },
  }),
  defineVerb({
    name: "draft test",
    summary: "Run the compiled draft once, beside what is live",
    args: [functionArgument, inputArgument],
    flags: callFlags,
    examples: [`dodil ignite draft test org:hello --payload '{"message": "hi"}'`],
    async run(context) {
      const ref = functionOf(context);
      const body = await planCall(context, context.args[1]);
      return aboutFunction(context, ref, () =>
        printAnswer(context, context.client().stream("igniteTestDraft", { params: ref, body })),
      );
    },
  }),
  defineVerb({
    name: "draft publish",
    summary: "Make the compiled draft the next version and the active one",
    args: [functionArgument],
    examples: ["dodil ignite draft publish org:hello"],
    async run(context) {
      const ref = functionOf(context);
      const answer = await aboutFunction(context, ref, () => publishDraft(context, ref));
      context.output.result(answer, [
        `version ${answer.version} of ${nameOf(ref)} is active at ${answer.url}`,
      ]);
    },
  }),
  defineVerb({
    name: "draft code",
    summary: "Get the code of the draft back as it was given",
    args: [functionArgument],
    flags: codeFlags,
    examples: ["dodil ignite draft code org:hello --to hello.tar.gz"],
    async run(context) {
      const ref = functionOf(context);
      await aboutFunction(context, ref, () => writeCode(context, ref, 0));
    },
  }),
];

type DraftBody = RouteInput<ApiRoutes["igniteSaveDraft"]>["body"];

/** What --code names and the flags say of it. Throws ERR_USAGE without it, ERR_INVALID_ARGUMENT, ERR_SOURCE_TOO_LARGE. */
export async function planDraft(context: Context): Promise<DraftBody> {
  const { flags, output } = context;
  assertSourceOnly(flags);
  const word = flags["code"];
  if (typeof word !== "string") {
    throw new BloomError("ERR_USAGE", "--code is missing", {
      hint: "Name the code: --code ./ for the current folder.",
    });
  }
  const runtime = planRuntime(flags);
  const inputSchema = await readSchema(context, "input-schema");
  const outputSchema = await readSchema(context, "output-schema");
  const { readCode } = await import("./code-source.js");
  const { sourceCode, fileName, about } = await readCode(context, word);
  output.detail(`the code is ${about}`);
  const dependencies = [...listOf(flags, "dependency")];
  return {
    code: {
      compile: { sourceCode, fileName, dependencies, ...(runtime === undefined ? {} : { runtime }) },
    },
    ...(inputSchema === undefined ? {} : { inputSchema }),
    ...(outputSchema === undefined ? {} : { outputSchema }),
  };
}

export async function saveDraft(context: Context, ref: AppRef, body: DraftBody): Promise<ignite.DraftView> {
  return (await context.client().call("igniteSaveDraft", { params: ref, body })).draft;
}

/** Never broken off: we would not know whether there is a version. */
export function publishDraft(context: Context, ref: AppRef): Promise<{ version: number; url: string }> {
  return context.client().call("ignitePublishDraft", { params: ref }, { signal: null });
}

async function lastCompile(context: Context): Promise<string> {
  const ref = functionOf(context);
  const { draft } = await aboutFunction(context, ref, () =>
    context.client().call("igniteGetDraft", { params: ref }),
  );
  if (draft.deployId === undefined) throw noCompile(ref);
  return draft.deployId;
}

function describeDraft(draft: ignite.DraftView): string[] {
  if (draft.status === "DRAFT_STATUS_NONE") return renderFields([["status", "no draft"]]);
  const { deployId, error, added = [] } = draft;
  return renderFields([
    ["status", plainWord(draft.status)],
    ["code", draft.codeHash],
    ...(deployId === undefined ? [] : [["deploy id", deployId] as const]),
    ...(error === undefined ? [] : [["error", error] as const]),
    ...added.map((one) => ["added", one] as const),
    ["saved", formatMoment(draft.createdAtMs)],
  ]);
}
