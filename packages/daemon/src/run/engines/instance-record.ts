import { z } from "zod";

/** `instance.json`: what a later daemon needs to find an instance again, and to sweep it when it is gone. */
export const instanceRecord = z.object({
  id: z.string(),
  environmentId: z.string(),
  releaseId: z.string(),
  role: z.string(),
  replica: z.number().int(),
  address: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("tcp"), address: z.string(), port: z.number().int() }),
    z.object({ kind: z.literal("unix"), path: z.string() }),
  ]),
  netnsAddress: z.string().nullable(),
  /** Port of the namespace that leads inside; null: there is no namespace, or it is that of the address. */
  netnsPort: z.number().int().nullable().default(null),
  /** Whether it may open connections out of the machine. */
  outbound: z.boolean(),
  /** The only places those may lead to; null: every one outside of the platform. */
  only: z
    .object({
      rules: z
        .array(
          z.object({
            host: z.string(),
            ports: z.tuple([z.number().int(), z.number().int()]).readonly().nullable(),
          }),
        )
        .readonly(),
      hosts: z.record(z.string(), z.string()),
    })
    .nullable()
    .default(null),
  cgroups: z.array(z.string()),
  /** Whether it has workers of which its host tells. */
  hasWorkers: z.boolean().default(false),
  /** PORT or SOCKET, as the app was told. The rest of its environment holds secrets and is not kept here. */
  variables: z.record(z.string(), z.string()).default({}),
  memoryBytes: z.number().int().optional(),
  user: z.object({ uid: z.number().int(), gid: z.number().int() }).nullable().default(null),
  rlimits: z
    .partialRecord(z.enum(["nofile", "core", "fsize", "data", "nproc"]), z.number().int())
    .default({}),
});
export type InstanceRecord = z.infer<typeof instanceRecord>;
