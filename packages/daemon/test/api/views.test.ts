import { BloomError } from "@bloomery/contract";
import { expect, onTestFinished, test } from "vitest";
import { viewDeployment, type ViewParts } from "../../src/api/views.js";
import { openStore } from "../../src/store/index.js";
import { createSample } from "../store/samples.js";

test("the hint of a failed deployment names the app", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const { deployment } = await createSample(store);
  const error = new BloomError("ERR_HOOK_FAILED", "the deploy hook ended with code 1").toDocument();
  const parts = { store, edge: { baseDomain: "localhost", httpPort: 80 } } as unknown as ViewParts;
  const view = await viewDeployment(parts, { ...deployment, error });
  expect(view.error?.hint).toMatch(/^`bloom log deploy shop` shows/);
});
