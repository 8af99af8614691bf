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
  /** Whether it may open connections out of the machine. */
  outbound: z.boolean(),
  cgroups: z.array(z.string()),
});
export type InstanceRecord = z.infer<typeof instanceRecord>;
