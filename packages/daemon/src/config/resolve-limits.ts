import { coresOf, manifestDefaults as defaults, parseByteSize, type LimitsConfig } from "@bloomery/contract";
import { containerProperty } from "./container.js";
import type { ProjectParts } from "./parts.js";

const mebibyte = 1024 ** 2;
const baseMemory = 64;

/** Megabytes a core brings with it. */
const ratios = { HIGH_CPU: 128, BALANCED: 512, HIGH_MEMORY: 768, HIGHER_MEMORY: 1024 } as const;

/** `[limits]` of bloom.toml, else the size class of the yaml, else the platform's own. */
export function resolveLimits({ toml, yaml }: ProjectParts): LimitsConfig {
  const size = containerProperty(yaml, "size").value ?? "AUTO";
  const resources = containerProperty(yaml, "resources").value;
  const profile = containerProperty(yaml, "container_profile").value ?? "HIGH_CPU";
  const cores = coresOf(size);
  const ratio = resources?.memory_ratio ?? ratios[profile];
  const sized = ((resources?.base_memory ?? baseMemory) + ratio * (cores ?? defaults.cpu)) * mebibyte;
  // Without a size the formula only ever adds: nobody who asks for more memory means less than without asking.
  const memory = cores === null ? Math.max(defaults.memoryBytes, sized) : sized;
  const limits = toml.data.limits ?? {};
  return {
    memoryBytes: sizeOf(limits.memory) ?? memory,
    cpu: limits.cpu ?? cores ?? defaults.cpu,
    pids: limits.pids ?? defaults.pids,
    tmpBytes: sizeOf(limits.tmp) ?? defaults.tmpBytes,
  };
}

function sizeOf(size: string | number | undefined): number | null {
  return size === undefined ? null : parseByteSize(size);
}
