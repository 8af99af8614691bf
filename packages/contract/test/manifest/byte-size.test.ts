import { describe, expect, it } from "vitest";
import { parseByteSize } from "../../src/index.js";

describe("parseByteSize", () => {
  it.each([
    ["512MB", 512_000_000],
    ["512M", 512_000_000],
    ["512 mb", 512_000_000],
    ["512MiB", 536_870_912],
    ["1GiB", 1_073_741_824],
    ["1.5Gi", 1_610_612_736],
    ["250m", 250_000_000],
    ["0", 0],
    ["64kib", 65_536],
    ["17", 17],
    [17, 17],
  ])("reads %j", (size, bytes) => {
    expect(parseByteSize(size)).toBe(bytes);
  });

  it.each([
    "",
    "MB",
    "lots",
    "1 TB",
    "-1",
    "1e9",
    "0x10",
    "1,5G",
    "1.G",
    "999999999999999G",
    -1,
    1.5,
    Number.NaN,
    Infinity,
  ])("refuses %j", (size) => {
    expect(parseByteSize(size)).toBeNull();
  });
});
