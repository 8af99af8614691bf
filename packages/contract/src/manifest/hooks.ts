import { z } from "zod";
import { key } from "./key-meta.js";
import { scriptText } from "./scalars.js";

/** `hooks` of .platform.app.yaml. */
export const hooksSchema = z.object({
  build: key(scriptText, {
    about:
      "A script for `sh`, run once in the build sandbox with the working directory `/app`; the last command's exit code decides.",
    expected: "a script as text",
    example: "cargo build --release",
    default: "`cargo build --release`, with `--locked` when there is a Cargo.lock",
  }),
  deploy: key(scriptText, {
    about:
      "A script for `sh`, run in `/app` once for each deployment, after the start and before traffic is let in.",
    expected: "a script as text",
    example: "./migrate.sh",
    default: "none",
  }),
  post_deploy: key(scriptText, {
    about: "A script for `sh`, run in `/app` once for each deployment, as soon as traffic has been let in.",
    expected: "a script as text",
    example: "./warm-up.sh",
    default: "none",
  }),
});
