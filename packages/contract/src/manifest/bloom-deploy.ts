import { z } from "zod";
import { manifestDefaults as defaults, manifestLimits as limits } from "./defaults.js";
import { key } from "./key-meta.js";
import { intWithin, scriptText } from "./scalars.js";

/** `[deploy]`. */
export const deployTable = z.object({
  strategy: key(z.enum(["rolling", "stopstart"]), {
    about:
      "The order of things: `rolling` starts the new version beside the old one; `stopstart` ends the old one first, and requests wait meanwhile.",
    expected: 'one of "rolling", "stopstart"',
    example: "rolling",
    default: "stopstart with a mount that only one version may write (local, instance), else rolling",
  }),
  on_hook_failure: key(z.enum(["keep_old", "go_live"]), {
    about:
      "What a failed deploy hook leads to: the old version keeps serving, or the new one goes live all the same.",
    expected: 'one of "keep_old", "go_live"',
    example: "keep_old",
    default: defaults.onHookFailure,
  }),
  hold_seconds: key(intWithin(limits.holdSeconds), {
    about: "Longest time a request waits during a stopstart deployment.",
    expected: `a number of seconds from ${limits.holdSeconds.min} to ${limits.holdSeconds.max}`,
    example: 300,
    default: String(defaults.holdSeconds),
  }),
});

/** `[hooks]`. */
export const hooksTable = z.object({
  deploy: key(scriptText, {
    about: "A script for `sh`, run once for each deployment, after the start and before traffic is let in.",
    expected: "a script as text",
    example: "./migrate.sh",
    default: "`hooks.deploy` of .platform.app.yaml",
  }),
  post_deploy: key(scriptText, {
    about: "A script for `sh`, run once for each deployment, as soon as traffic has been let in.",
    expected: "a script as text",
    example: "./warm-up.sh",
    default: "`hooks.post_deploy` of .platform.app.yaml",
  }),
});
