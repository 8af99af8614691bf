import { describe, expect, test } from "vitest";
import {
  addressOfName,
  defaultBlocks,
  findPlace,
  isOverlapping,
  parseBlock,
  parseTableName,
  planPlace,
  planStableAddress,
} from "../../../src/run/network/plan-block.js";

const block = parseBlock("198.18.0.0/16");

describe("parseBlock", () => {
  test("splits a block into places for instances and stable addresses", () => {
    expect(block).toEqual({
      cidr: "198.18.0.0/16",
      instances: "198.18.0.0/17",
      stable: "198.18.128.0/17",
      table: "bloom_198_18_0_0_16",
      instanceCapacity: 8192,
      stableCapacity: 32767,
    });
  });

  test.each([
    "198.18.0.1/16",
    "198.18.0.0",
    "198.18.0/16",
    "1.2.3.4/33",
    "300.0.0.0/8",
    "198.18.0.0/30",
    "",
    "x/16",
    "1.2.3.0/24/1",
  ])("refuses %s", (text) => {
    expect(() => parseBlock(text)).toThrowError(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });

  test("the default blocks do not overlap", () => {
    for (const [index, a] of defaultBlocks.entries()) {
      for (const b of defaultBlocks.slice(index + 1)) expect(isOverlapping(a, b), `${a} ${b}`).toBe(false);
    }
  });
});

describe("places", () => {
  test("the first and the last", () => {
    expect(planPlace(block, 0)).toEqual({
      address: "198.18.0.2",
      gateway: "198.18.0.1",
      netns: "bl-c6120002",
      link: "bv-c6120002",
    });
    expect(planPlace(block, 8191).address).toBe("198.18.127.254");
  });

  test.each([0, 1, 63, 64, 5000, 8191])(
    "place %i is found again by its address and by its names",
    (index) => {
      const place = planPlace(block, index);
      expect(findPlace(block, place.address)).toEqual({ ...place, index });
      expect(addressOfName(place.netns)).toBe(place.address);
      expect(addressOfName(place.link)).toBe(place.address);
      expect(place.link.length).toBeLessThanOrEqual(15);
    },
  );

  test.each(["198.18.0.1", "198.18.128.2", "198.17.255.254", "127.0.0.1", "nonsense", "198.18.0.2/32"])(
    "%s is no instance address",
    (address) => expect(findPlace(block, address)).toBeUndefined(),
  );

  test.each(["eth0", "bl-xyz", "bl-c61200", "bv-c6120002x", "br-c6120002"])(
    "%s is no name of ours",
    (name) => {
      expect(addressOfName(name)).toBeUndefined();
    },
  );
});

test("stable addresses lie in the second half and run out with a code", () => {
  expect(planStableAddress(block, 0)).toBe("198.18.128.1");
  expect(planStableAddress(block, 32766)).toBe("198.18.255.255");
  for (const index of [32767, -1, 0.5]) {
    expect(() => planStableAddress(block, index)).toThrowError(
      expect.objectContaining({ code: "ERR_LIMIT_REACHED" }),
    );
  }
});

test("a table's name tells its block", () => {
  expect(parseTableName("bloom_198_18_0_0_16")).toEqual(block);
  for (const name of ["filter", "bloom", "bloom_1_2_3_4", "bloom_198_18_0_1_16", "bloom_999_0_0_0_8"]) {
    expect(parseTableName(name)).toBeUndefined();
  }
});

test.each([
  ["198.18.0.0/16", "198.18.255.0/24", true],
  ["198.18.0.0/16", "198.19.0.0/16", false],
  ["198.18.0.0/15", "198.19.4.1", true],
  ["10.0.0.0/8", "fd00::/8", false],
])("%s and %s overlap: %s", (a, b, expected) => {
  expect(isOverlapping(a, b)).toBe(expected);
  expect(isOverlapping(b, a)).toBe(expected);
});
