import { BloomError, type AppRef } from "@bloomery/contract";
import type { Command, Context } from "../../command.js";
import { planSettings, settingFlags, unsetEnvFlag, type Settings } from "./app-settings.js";
import { compileDraft } from "./compile.js";
import { createFunction } from "./create-function.js";
import { defineVerb } from "./define.js";
import { codeFlag, dependencyFlag, planDraft, publishDraft, saveDraft } from "./draft.js";
import { functionArgument } from "./flags.js";
import { exists, functionOf, nameOf } from "./function-ref.js";
import { refusedFlags } from "./refused-flags.js";

export const appDeployCommand: Command = defineVerb({
  name: "app deploy",
  summary: "Make or change a function, send its code, compile and publish it",
  about:
    "One command for `app create` or `app update`, `draft save`, `draft compile` and `draft publish`. What no flag names\nstays as it is, variables too. The log of the compile goes to standard error, the address to standard output.",
  args: [functionArgument],
  flags: [
    codeFlag,
    dependencyFlag,
    ...settingFlags,
    unsetEnvFlag,
    { flag: "--follow", about: "show the log of the compile (so it is anyway)" },
    ...refusedFlags,
  ],
  examples: [
    "dodil ignite app deploy org:hello --code ./",
    "bloom app deploy hello -c ./ --allow-unauthenticated --env LOG=debug",
  ],
  async run(context) {
    const { output, signal } = context;
    const ref = functionOf(context);
    // Everything that can be wrong here is found before anything is changed there.
    const body = await planDraft(context);
    const settings = await planSettings(context);
    const begun = performance.now();
    const isNew = await createOrUpdate(context, ref, settings);
    output.say(`${nameOf(ref)} is ${isNew ? "made" : "there"}`);
    const saved = await saveDraft(context, ref, body);
    output.say(`draft ${saved.codeHash} is saved`);
    const compiled = await compileDraft(context, ref, true);
    // A compile that had nothing to do has not said it.
    const added = (compiled.draft.added ?? []).filter((one) => !compiled.said.has(one));
    for (const one of added) output.say(`  ${one}`);
    const compiledMs = performance.now();
    signal.throwIfAborted();
    const { version, url } = await publishDraft(context, ref);
    output.say(`version ${version} is active`);
    const document = {
      appId: `${ref.org}/${ref.app}`,
      version,
      url,
      deployId: compiled.deployId,
      codeHash: saved.codeHash,
      timings: {
        compileMs: Math.round(compiledMs - begun),
        publishMs: Math.round(performance.now() - compiledMs),
        totalMs: Math.round(performance.now() - begun),
      },
    };
    output.result(document, [url]);
  },
});

/** True when it was made. Two who deploy a new function at once both succeed. */
async function createOrUpdate(context: Context, ref: AppRef, settings: Settings): Promise<boolean> {
  const client = context.client();
  if (!(await exists(context, ref))) {
    try {
      await createFunction(context, ref, settings);
      return true;
    } catch (error) {
      if (!(error instanceof BloomError) || error.code !== "ERR_ALREADY_EXISTS") throw error;
    }
  }
  if (Object.keys(settings).length > 0)
    await client.call("igniteUpdateAppConfig", { params: ref, body: settings });
  return false;
}
