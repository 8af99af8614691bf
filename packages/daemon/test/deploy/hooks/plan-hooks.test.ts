import type { DeploymentKind } from "@bloomery/contract";
import { expect, test } from "vitest";
import { planHooks } from "../../../src/deploy/hooks/plan-hooks.js";

const hooks = { deploy: "migrate", postDeploy: "warm" };

test.each<[DeploymentKind, boolean, boolean, string | null, string | null]>([
  // kind, same version as last time, hooks wanted → deploy, post_deploy
  ["deploy", false, true, "migrate", "warm"],
  ["deploy", true, true, null, "warm"],
  ["rollback", false, true, "migrate", "warm"],
  ["rollback", false, false, null, null],
  ["variables", true, true, null, "warm"],
  ["redeploy", true, true, null, "warm"],
  ["redeploy", false, true, "migrate", "warm"],
  ["restart", false, true, null, null],
  ["start", false, true, null, null],
  ["scale", false, true, null, null],
])("%s (hooked before: %s, wanted: %s) runs %s and %s", (kind, isSame, isWanted, deploy, postDeploy) => {
  const hookedVersionId = isSame ? "ver-2" : "ver-1";
  expect(planHooks({ kind, hooks, versionId: "ver-2", hookedVersionId, isWanted })).toEqual({
    deploy,
    postDeploy,
  });
});

test("an environment whose hook never ran runs it", () => {
  const facts = { kind: "deploy", hooks, versionId: "ver-1", hookedVersionId: null, isWanted: true } as const;
  expect(planHooks(facts).deploy).toBe("migrate");
});
