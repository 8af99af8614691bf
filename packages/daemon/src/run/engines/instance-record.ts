import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";

const port = z.number().int();

const written = z.object({
  id: z.string(),
  environmentId: z.string(),
  releaseId: z.string(),
  role: z.string(),
  replica: z.number().int(),
  address: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("tcp"), address: z.string(), port }),
    z.object({ kind: z.literal("unix"), path: z.string() }),
  ]),
  netnsAddress: z.string().nullable(),
  /** Ports of the namespace that lead inside. */
  netnsPorts: z.array(port).optional(),
  /** Ports of the namespace where clients of others are taken in. */
  relays: z.array(z.object({ port, at: port })).default([]),
  /** The only one, in records of older daemons; null: there is no namespace, or it is that of the address. */
  netnsPort: port.nullable().optional(),
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

/** `instance.json`: what a later daemon needs to find an instance again, and to sweep it when it is gone. */
export const instanceRecord = written.transform(({ netnsPort, ...record }) => {
  const older = netnsPort ?? (record.address.kind === "tcp" ? record.address.port : null);
  const fallback = record.netnsAddress === null || older === null ? [] : [older];
  return { ...record, netnsPorts: record.netnsPorts ?? fallback };
});
export type InstanceRecord = z.infer<typeof instanceRecord>;

/** Undefined when there is none, or none that can be read. */
export async function readRecord(path: string): Promise<InstanceRecord | undefined> {
  try {
    return instanceRecord.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** By rename, so that a later daemon never finds half of it. */
export async function replaceRecord(path: string, record: InstanceRecord): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.new`, path);
}
