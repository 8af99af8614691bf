import { z } from "zod";
import { runtimeSource } from "./app.js";
import { codeKind, draftStatus, resourceTier, versionStatus } from "./enums.js";
import { bytes, int64Text } from "./json.js";

/** The largest archive of a function's code. */
export const codeBytes = 64 * 1024 ** 2;

/** A request that carries such an archive as base64, with room for the rest. */
export const codeRequestBytes = Math.ceil(codeBytes / 3) * 4 + 4 * 1024 ** 2;

/** What a draft holds: source that the platform compiles. */
export const codeSource = z.strictObject({
  /** Known, so that it can be refused in words. */
  image: z.never("images are neither built nor run here: send source as `compile`").optional(),
  compile: z.strictObject({
    runtime: runtimeSource.optional(),
    /** A zip, a tar.gz or one `.rs` file. */
    sourceCode: bytes,
    /** Such as `main.rs`: tells one file from an archive where its bytes do not. */
    fileName: z.string().max(255).optional(),
    /** `name`, `name@1.2` or `name@1.2+feature,other`. */
    dependencies: z.array(z.string().max(200)).max(100).default([]),
  }),
});
export type CodeSource = z.infer<typeof codeSource>;

export const draftView = z.object({
  status: draftStatus,
  /** First 8 hexadecimal digits of what the code is named by; empty without code. */
  codeHash: z.string(),
  codeKind: codeKind.optional(),
  /** Of the last compile, for its log. */
  deployId: z.string().optional(),
  error: z.string().optional(),
  /** What the platform added to the manifest, in words. */
  added: z.array(z.string()).optional(),
  createdAtMs: int64Text,
});
export type DraftView = z.infer<typeof draftView>;

export const versionItem = z.object({
  version: z.number().int(),
  codeHash: z.string(),
  createdAtMs: int64Text,
  status: versionStatus,
  resourceTier,
  runtime: z.string(),
  toolchainVersion: z.string(),
  sdkVersion: z.string(),
});
export type VersionItem = z.infer<typeof versionItem>;

/** One line of a compile's log; the stream ends after the line that has a `status`. */
export const compileLogLine = z.object({
  deployId: z.string(),
  timestampMs: int64Text,
  text: z.string(),
  status: draftStatus.optional(),
});
export type CompileLogLine = z.infer<typeof compileLogLine>;
