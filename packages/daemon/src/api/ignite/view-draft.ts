import type { ignite } from "@bloomery/contract";
import type { input } from "zod";
import { nameTier } from "../../deploy/function/plan-function-config.js";
import type { Draft } from "../../store/drafts.js";
import type { Version } from "../../store/versions.js";
import { nameRuntime } from "./view-app.js";

const statuses = {
  saved: "DRAFT_STATUS_SAVED",
  compiling: "DRAFT_STATUS_COMPILING",
  compiled: "DRAFT_STATUS_COMPILED",
  failed: "DRAFT_STATUS_FAILED",
  published: "DRAFT_STATUS_PUBLISHED",
} as const satisfies Record<Draft["status"], ignite.DraftStatus>;

const hashDigits = 8;

/** The draft, or that there is none. */
export function viewDraft(draft: Draft | undefined): input<typeof ignite.draftView> {
  if (draft === undefined) return { status: "DRAFT_STATUS_NONE", codeHash: "", createdAtMs: 0 };
  const { buildId, error, facts } = draft;
  return {
    status: statuses[draft.status],
    codeHash: draft.tree.slice(0, hashDigits),
    codeKind: "CODE_KIND_SDK",
    ...(buildId === null ? {} : { deployId: buildId }),
    ...(error === null ? {} : { error: error.message }),
    ...(facts === null ? {} : { added: [...facts.added] }),
    createdAtMs: Date.parse(draft.savedAt),
  };
}

export function viewVersion(
  version: Version,
  liveVersionId: string | null,
): input<typeof ignite.versionItem> {
  const { facts, config } = version;
  return {
    version: version.number,
    codeHash: (facts?.codeHash ?? version.tree).slice(0, hashDigits),
    createdAtMs: Date.parse(version.createdAt),
    status: version.id === liveVersionId ? "VERSION_STATUS_ACTIVE" : "VERSION_STATUS_SUPERSEDED",
    resourceTier: nameTier(config.limits),
    runtime: nameRuntime(config),
    toolchainVersion: facts?.toolchain ?? "",
    sdkVersion: facts?.sdk ?? "",
  };
}
