import { BloomError } from "@bloomery/contract";
import type { Flags, FlagSpec } from "../../command.js";

const refused = [
  ["image-ref <ref>", "image-ref"],
  ["registry-secret-ref <name>", "registry-secret-ref"],
  ["dockerfile-path <path>", "dockerfile-path"],
  ["build-arg <arg>", "build-arg"],
  ["health-path <path>", "health-path"],
  ["git-url <url>", "git-url"],
  ["git-ref <ref>", "git-ref"],
  ["git-sub-path <path>", "git-sub-path"],
] as const;

/** Flags for images and repositories: known, so that they can be refused in words. */
export const refusedFlags: readonly FlagSpec[] = refused.map(([flag, name]) => ({
  flag: `--${flag}`,
  about: `not here: ${name}`,
  hidden: true,
}));

/** Throws ERR_INVALID_ARGUMENT when one of those is given. */
export function assertSourceOnly(flags: Flags): void {
  const found = refused.find(([, name]) => flags[name] !== undefined);
  if (found === undefined) return;
  const [, name] = found;
  const isGit = name.startsWith("git-");
  throw new BloomError(
    "ERR_INVALID_ARGUMENT",
    isGit
      ? `--${name}: code is not fetched from repositories, it is sent from this machine`
      : `--${name}: functions are compiled from source, images are neither built nor run`,
    {
      hint: isGit
        ? "Clone it, and give the folder with --code."
        : "Give a folder with a Cargo.toml with --code.",
    },
  );
}
