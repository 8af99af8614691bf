import { z } from "zod";
import { key, type KeyMeta } from "./key-meta.js";

/** A map whose inside is not looked at yet. */
export const anyMap = z.record(z.string(), z.unknown());

/** A key that is accepted today and takes effect in a later release. */
export function later<S extends z.ZodType>(schema: S, meta: Omit<KeyMeta, "effect">): z.ZodOptional<S> {
  return key(schema, { ...meta, effect: "later" });
}

/** What may stand at the top of .platform.app.yaml and below `web`: the properties of a container. */
export const containerKeys = {
  size: later(z.string(), {
    about: "A size class. Memory and CPU are set in bloom.toml, `[limits]`.",
    expected: "a size such as S, M or L",
    example: "S",
  }),
  resources: later(anyMap, {
    about: "How memory follows the size class.",
    expected: "the keys base_memory and memory_ratio",
    example: { base_memory: 64 },
  }),
  relationships: later(anyMap, {
    about: "Services and other apps this one may reach.",
    expected: "names with services",
    example: { database: "db:postgresql" },
  }),
  mounts: later(anyMap, {
    about: "Writable folders that survive a deploy.",
    expected: "paths with a source",
    example: { "/uploads": { source: "local" } },
  }),
  access: later(anyMap, {
    about: "The role that is needed to open a shell.",
    expected: "the key ssh with a role",
    example: { ssh: "contributor" },
  }),
  timezone: later(z.string(), {
    about: "The time zone of cron times.",
    expected: "a time zone such as Europe/Berlin",
    example: "Europe/Berlin",
  }),
  firewall: later(anyMap, {
    about: "Which outbound connections are allowed.",
    expected: "the key outbound with a list of rules",
    example: { outbound: [{ ports: [443] }] },
  }),
};
