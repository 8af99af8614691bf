import { z } from "zod";
import { manifestLimits } from "./defaults.js";
import { element, key, type KeyMeta } from "./key-meta.js";
import { mountSchema } from "./mount.js";
import { intWithin } from "./scalars.js";
import { sizeNames } from "./sizes.js";
import { variablesSchema } from "./variables.js";

/** A map whose inside is not looked at yet. */
export const anyMap = z.record(z.string(), z.unknown());

/** A key that is accepted today and takes effect in a later release. */
export function later<S extends z.ZodType>(schema: S, meta: Omit<KeyMeta, "effect">): z.ZodOptional<S> {
  return key(schema, { ...meta, effect: "later" });
}

const { baseMemory, memoryRatio } = manifestLimits;

const resources = z.object({
  base_memory: key(intWithin(baseMemory), {
    about: "Megabytes (2^20 bytes) every instance has.",
    expected: `a whole number of megabytes from ${baseMemory.min} to ${baseMemory.max}`,
    example: 64,
    default: "64",
  }),
  memory_ratio: key(intWithin(memoryRatio), {
    about: "Megabytes (2^20 bytes) that each core brings with it.",
    expected: `a whole number of megabytes from ${memoryRatio.min} to ${memoryRatio.max}`,
    example: 256,
    default: "128, or what `container_profile` says",
  }),
});

const access = z.object({
  ssh: key(z.enum(["viewer", "contributor", "admin"]), {
    about: "The smallest role that may open a shell in the app.",
    expected: 'one of "viewer", "contributor", "admin"',
    example: "contributor",
    default: "contributor",
  }),
});

/** `mounts` of .platform.app.yaml and `[mounts]` of bloom.toml. */
export const mountsSchema = z.record(z.string(), mountSchema);

/**
 * What may stand at the top of .platform.app.yaml and below `web`: the properties of a container. One that stands
 * below `web` replaces the whole one at the top.
 */
export const containerKeys = {
  size: key(z.enum(sizeNames), {
    about:
      "The size of an instance: XS 0.25, S 0.5, M 1, L 2, XL 4, 2XL 8, 4XL 16 cores, with the memory that `resources` adds up to. `[limits]` of bloom.toml wins.",
    expected: `one of ${sizeNames.map((name) => `"${name}"`).join(", ")}`,
    example: "M",
    default: "AUTO, the platform's own limits",
  }),
  resources: key(resources, {
    about: "How memory follows the size: `base_memory` + `memory_ratio` × cores.",
    expected: "the keys base_memory and memory_ratio",
    example: { base_memory: 64, memory_ratio: 128 },
  }),
  container_profile: key(z.enum(["HIGH_CPU", "BALANCED", "HIGH_MEMORY", "HIGHER_MEMORY"]), {
    about: "The `memory_ratio` when `resources` has none: 128, 512, 768 or 1024.",
    expected: 'one of "HIGH_CPU", "BALANCED", "HIGH_MEMORY", "HIGHER_MEMORY"',
    example: "HIGH_CPU",
    default: "HIGH_CPU",
  }),
  disk: key(intWithin(manifestLimits.diskMb), {
    about: "Persistent disk in MB (10^6 bytes) for the mounts; accepted without any.",
    expected: `a whole number of megabytes, at least ${manifestLimits.diskMb.min}`,
    example: 512,
    default: "none",
  }),
  mounts: key(mountsSchema, {
    about: "Writable folders of the app, by their path; those with a lasting source survive every deploy.",
    expected: "paths, each with a source",
    example: { "/uploads": { source: "local" } },
    default: "none",
    entry: "path",
  }),
  variables: key(variablesSchema, {
    about:
      "Variables in two levels. Below `env` they are environment variables, with names in upper case, and values that are not scalars become JSON; the others are found in PLATFORM_VARIABLES as `prefix:name`.",
    expected: "prefixes with names and values",
    example: { env: { RUST_LOG: "info" } },
    default: "none",
    entry: "prefix",
  }),
  access: key(access, {
    about: "Who may enter the app.",
    expected: "the key ssh with a role",
    example: { ssh: "contributor" },
  }),
  timezone: key(z.string(), {
    about: "The time zone of cron times; the app's own processes stay in UTC.",
    expected: "a time zone such as Europe/Berlin",
    example: "Europe/Berlin",
    default: "UTC",
  }),
  relationships: later(anyMap, {
    about: "Services and other apps this one may reach.",
    expected: "names with services",
    example: { database: "db:postgresql" },
  }),
  firewall: later(anyMap, {
    about: "Which outbound connections are allowed.",
    expected: "the key outbound with a list of rules",
    example: { outbound: [{ ports: [443] }] },
  }),
};

/** `additional_hosts`. */
export const hostsSchema = z.record(
  z.string(),
  element(z.string(), {
    about: "The host's address.",
    expected: "an IP address as text",
    example: "192.0.2.7",
  }),
);
