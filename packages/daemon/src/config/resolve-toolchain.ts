import type { ToolchainWish } from "@bloomery/contract";
import type { ProjectParts } from "./parts.js";

/** rust-toolchain.toml, then bloom.toml, then `type: rust:1.NN`; nothing said means the daemon's default. */
export function resolveToolchain({ toml, yaml, toolchainFile }: ProjectParts): ToolchainWish {
  if (toolchainFile.channel !== null) return { channel: toolchainFile.channel, source: "rust-toolchain" };
  const wanted = toml.data.build?.toolchain;
  if (wanted !== undefined) return { channel: wanted, source: "bloom.toml" };
  const { type, stack } = yaml.data;
  if (type?.startsWith("rust:") === true) return { channel: type.slice("rust:".length), source: "type" };
  const channel = type === undefined ? null : channelOfStack(stack);
  return channel === null ? { channel: null, source: "default" } : { channel, source: "type" };
}

/** `rust@1.85` among the runtimes of a composable image, each a text or the key of a mapping. */
function channelOfStack(stack: unknown): string | null {
  const runtimes = isTable(stack) ? stack["runtimes"] : stack;
  const names = (Array.isArray(runtimes) ? runtimes : []).flatMap((runtime: unknown) =>
    isTable(runtime) ? Object.keys(runtime) : [runtime],
  );
  const rust = names.find((name) => typeof name === "string" && /^rust@1(?:\.\d{1,3}){0,2}$/.test(name));
  return typeof rust === "string" ? rust.slice("rust@".length) : null;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
