import { toolchainChannel, type Problem } from "@bloomery/contract";
import type { AppFolder } from "./app-folder.js";
import { describeValue } from "./describe-value.js";
import { parseToml } from "./parse-toml.js";
import { loadText } from "./read-text.js";
import { fileProblem, problemAt } from "./source.js";

/** The channel that rust-toolchain.toml (or rust-toolchain) asks for. */
export interface ToolchainFile {
  readonly channel: string | null;
  readonly problems: readonly Problem[];
}

/** Reads the file rustup would read: of the two names the one without ending comes first. */
export function loadToolchainFile(files: AppFolder): ToolchainFile {
  for (const name of ["rust-toolchain", "rust-toolchain.toml"]) {
    const file = files.inTree(name);
    const read = loadText(files, name);
    if (read === undefined) continue;
    if ("problem" in read) return { channel: null, problems: [{ ...read.problem, file }] };
    const line = read.text.trim();
    // The old form is the channel alone.
    if (name === "rust-toolchain" && toolchainChannel.safeParse(line).success)
      return { channel: line, problems: [] };
    return parseToolchain(file, read.text);
  }
  return { channel: null, problems: [] };
}

function parseToolchain(file: string, text: string): ToolchainFile {
  const { source, problems } = parseToml(file, text);
  if (source === null) return { channel: null, problems };
  const { toolchain } = source.value as { toolchain?: unknown };
  if (typeof toolchain !== "object" || toolchain === null || Array.isArray(toolchain)) {
    return {
      channel: null,
      problems: [
        fileProblem(file, 'there is no table [toolchain]; write `[toolchain]` and `channel = "stable"`'),
      ],
    };
  }
  const { channel, path } = toolchain as { channel?: unknown; path?: unknown };
  if (path !== undefined) {
    const message = 'a toolchain in a folder cannot be used here; write `channel = "stable"`';
    return { channel: null, problems: [problemAt(source, "error", ["toolchain", "path"], message, "key")] };
  }
  if (channel === undefined) return { channel: null, problems: [] };
  const checked = toolchainChannel.safeParse(channel);
  if (checked.success) return { channel: checked.data, problems: [] };
  const message = `expected a channel, found ${describeValue(channel, "toml")}; write \`channel = "stable"\``;
  return { channel: null, problems: [problemAt(source, "error", ["toolchain", "channel"], message)] };
}
