import type { ToolchainWish } from "@bloomery/contract";
import type { ProjectParts } from "./parts.js";

/** rust-toolchain.toml, then bloom.toml, then `type: rust:1.NN`; nothing said means the daemon's default. */
export function resolveToolchain({ toml, yaml, toolchainFile }: ProjectParts): ToolchainWish {
  if (toolchainFile.channel !== null) return { channel: toolchainFile.channel, source: "rust-toolchain" };
  const wanted = toml.data.build?.toolchain;
  if (wanted !== undefined) return { channel: wanted, source: "bloom.toml" };
  const type = yaml.data.type;
  if (type !== undefined) return { channel: type.slice("rust:".length), source: "type" };
  return { channel: null, source: "default" };
}
