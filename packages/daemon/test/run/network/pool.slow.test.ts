import { spawn } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import { execa } from "execa";
import { afterEach, describe, expect, test } from "vitest";
import { listPlaces } from "../../../src/run/network/namespaces.js";
import { parseBlock, planPlace } from "../../../src/run/network/plan-block.js";
import { planNamespace } from "../../../src/run/network/plan-ruleset.js";
import { applyIp } from "../../../src/run/network/run-tool.js";
import {
  cleanUp,
  countFinished,
  instance,
  isRoot,
  makeHome,
  open,
  startServer,
  tryHere,
  waitFor,
} from "./real-network.js";

afterEach(cleanUp);

describe.skipIf(!isRoot)("the pool of namespaces", () => {
  test("gives ten that start together one each, which all work, and is filled again", async () => {
    const network = await open(await makeHome());
    const places = await Promise.all(
      Array.from({ length: 10 }, (_, index) => network.allocateInstance(instance(`i-${index}`))),
    );
    expect(new Set(places.map((place) => place.address)).size).toBe(10);
    await Promise.all(places.map((place, index) => startServer(place, `server ${index}`)));
    for (const [index, place] of places.entries()) {
      expect(await tryHere(place.address, 8888)).toMatchObject({ word: `server ${index}` });
    }
    await waitFor(async () => (await countFinished()) === 11);
    await Promise.all(places.map((place) => place.release()));
    await waitFor(async () => (await listPlaces(parseBlock(network.cidr))).length === 1);
  });

  test("leaves nothing when it is closed while ten are being made", async () => {
    const network = await open(await makeHome());
    const begun = Array.from({ length: 10 }, (_, index) => network.allocateInstance(instance(`i-${index}`)));
    const closed = network.close();
    const places = await Promise.all(begun);
    await closed;
    await Promise.all(places.map((place) => place.release()));
    expect(await listPlaces(parseBlock(network.cidr))).toEqual([]);
  });

  test("is swept of what was still inhabited when the daemon began, once it is not any more", async () => {
    const home = await makeHome();
    const first = await open(home);
    const place = await first.allocateInstance(instance("i-orphan"));
    const resident = spawn("ip", ["netns", "exec", basename(place.netns), "cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    resident.stdin.write("in");
    await once(resident.stdout, "data");
    await first.close();
    const second = await open(home, first.cidr);
    expect(await second.sweep()).not.toContain(place.address);
    resident.stdin.end();
    await once(resident, "exit");
    expect(await second.sweep()).toContain(place.address);
    expect(await listPlaces(parseBlock(second.cidr))).not.toContain(place.address);
  });

  test("takes away what a daemon left that was killed at any step of making one", async () => {
    const home = await makeHome();
    const first = await open(home);
    await first.close();
    const block = parseBlock(first.cidr);
    const [named, linked, linkOnly] = [planPlace(block, 1), planPlace(block, 2), planPlace(block, 3)];
    await applyIp(`netns add ${named.netns}\n`);
    await applyIp(planNamespace(linked));
    await applyIp(planNamespace(linkOnly));
    await execa("umount", [`/run/netns/${linkOnly.netns}`]).catch(() => undefined);
    const second = await open(home, first.cidr);
    expect([...(await second.sweep())].sort()).toEqual(
      [named.address, linked.address, linkOnly.address].sort(),
    );
    await second.close();
    expect(await listPlaces(block)).toEqual([]);
  });
});
