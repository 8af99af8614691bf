import { rm } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { openNetwork } from "../../../src/run/network/open-network.js";
import {
  candidates,
  cleanups,
  cleanUp,
  instance,
  isRoot,
  makeHome,
  open,
  wholeBlock,
} from "./real-network.js";

afterEach(cleanUp);

describe.skipIf(!isRoot)("the claim on a block", () => {
  test("two homes get two blocks, a third is told, and a home that is gone leaves its block to others", async () => {
    const homes = [await makeHome(), await makeHome(), await makeHome()] as const;
    const [one, two] = await Promise.all([open(homes[0]), open(homes[1])]);
    expect(new Set([one.cidr, two.cidr])).toEqual(new Set(candidates));
    await expect(open(homes[2])).rejects.toMatchObject({ code: "ERR_NETWORK_SETUP" });
    const orphan = await one.allocateInstance(instance("i-orphan"));
    await one.close();
    await rm(homes[0], { recursive: true });
    const three = await open(homes[2]);
    expect(three.cidr).toBe(one.cidr);
    expect(await three.sweep()).toContain(orphan.address);
  });

  test("a table of another size over the same addresses is respected", async () => {
    const home = await makeHome();
    const other = await makeHome();
    const wide = await openNetwork({ home, preferred: wholeBlock, candidates: [] });
    cleanups.push(() => wide.destroy());
    await expect(open(other)).rejects.toMatchObject({ code: "ERR_NETWORK_SETUP" });
  });
});
