import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BloomError, type DeploymentView } from "@bloomery/contract";
import { expect, onTestFinished, test } from "vitest";
import { createDeployer, type Deployer, type DeployerParts } from "../../src/deploy/deployer.js";
import { createEventHub } from "../../src/deploy/events.js";
import { createJobs } from "../../src/deploy/jobs.js";
import type { Place } from "../../src/deploy/places.js";
import { openStore } from "../../src/store/index.js";
import { createSample } from "../store/samples.js";

/** A deployer that can do nothing but look: what is not among its parts throws. */
async function openDeployer(assertArtifact: (digest: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "bloom-deployer-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const { org, app, environment, release } = await createSample(store);
  await store.environments.update(environment.id, { liveReleaseId: release.id });
  const jobs = createJobs();
  const log = { error: () => undefined };
  const view = async () => ({}) as DeploymentView;
  const deployments = { store, boot: "boot-1", hub: createEventHub(folder), jobs, view, log };
  const deployer = createDeployer({ store, deployments, assertArtifact } as unknown as DeployerParts);
  const place = { org, app, environment: (await store.environments.get(environment.id)) ?? environment };
  return { store, jobs, deployer, place };
}

const damaged = async (digest: string): Promise<void> => {
  throw new BloomError("ERR_ARTIFACT_DAMAGED", `the artifact ${digest} is missing or damaged`);
};

test.each<[string, (deployer: Deployer, place: Place) => ReturnType<Deployer["restart"]>]>([
  ["restart", (deployer, place) => deployer.restart(place, { kind: "restart" }, "ada")],
  ["redeploy", (deployer, place) => deployer.restart(place, { kind: "redeploy" }, "ada")],
  ["change of variables", (deployer, place) => deployer.applyVariables(place, "ada")],
])(
  "a %s of a version whose artifact is damaged is refused, and what runs is left alone",
  async (_, begin) => {
    const { store, jobs, deployer, place } = await openDeployer(damaged);
    const { id } = await begin(deployer, place);
    await expect.poll(async () => (await store.deployments.get(id))?.state).toBe("failed");
    await jobs.close();
    expect((await store.deployments.get(id))?.error?.code).toBe("ERR_ARTIFACT_DAMAGED");
    expect((await store.environments.get(place.environment.id))?.liveReleaseId).toBe(
      place.environment.liveReleaseId,
    );
  },
);
