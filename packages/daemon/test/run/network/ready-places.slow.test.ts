import { execa } from "execa";
import { afterEach, expect, test, vi } from "vitest";
import { cleanUp, instance, isRoot, makeHome, open, startServer, tryHere } from "./real-network.js";

afterEach(cleanUp);

test.runIf(isRoot)("who was expected gets a namespace with all it is allowed already", async () => {
  const network = await open(await makeHome());
  const table = `bloom_${network.cidr.replace(/[./]/g, "_")}`;
  const list = async (set: string): Promise<string> =>
    (await execa("nft", ["list", "set", "ip", table, set])).stdout;
  const { ports } = instance("");
  network.expect(() => [{ ports, outbound: true, only: null }]);
  await vi.waitUntil(async () => (await list("outbound")).includes("elements"), { timeout: 10_000 });
  const ready = await list("outbound");

  const other = await network.allocateInstance(instance("i-other"));
  expect(ready).not.toContain(other.address);
  const place = await network.allocateInstance({ ...instance("i-a"), outbound: true });
  expect(ready).toContain(place.address);
  expect(await list("open")).toContain(`${place.address} . ${ports[0]}`);
  await startServer(place, "here");
  const stable = network.stableAddress(0);
  await network.setCurrent(stable, place.address);
  expect(await tryHere(stable, ports[0] ?? 0)).toMatchObject({ word: "here" });

  await place.release();
  expect(await list("outbound")).not.toContain(place.address);
  // The next one is made, and goes when nobody is expected any more.
  await vi.waitUntil(async () => (await list("outbound")).includes("elements"), { timeout: 10_000 });
  network.expect(() => []);
  await vi.waitUntil(async () => !(await list("outbound")).includes("elements"), { timeout: 10_000 });
});
