import assert from "node:assert/strict";
import { test } from "node:test";
import { planNodePackages } from "../ensure/node-packages.mjs";
import { planSystemPackages } from "../ensure/system-packages.mjs";
import { isNewEnough } from "../ensure/toolchains.mjs";
import { selectChecks } from "../lib/checks.mjs";

test("an older Node is refused, the oldest that works and newer ones are not", () => {
  const verdicts = ["18.20.4", "20.18.9", "20.19.0", "20.20.2", "22.1.0", "24.0.0"].map(isNewEnough);
  assert.deepEqual(verdicts, [false, false, true, true, true, true]);
});

const wantedPackages = [
  { program: "nginx", package: "nginx" },
  { program: "cc", package: "build-essential" },
  { program: "make", package: "build-essential" },
  { program: "nft", package: "nftables", rootOnly: true },
  { program: "initdb", package: "postgresql", optional: true },
];
const bare = { has: () => false, isRoot: true, hasApt: true };

test("root with apt gets every missing package, each once", () => {
  assert.deepEqual(planSystemPackages(wantedPackages, bare), {
    required: ["nginx", "build-essential", "nftables"],
    optional: ["postgresql"],
    install: true,
  });
});

test("what only root uses is not asked of others, and nothing is installed for them", () => {
  const plan = planSystemPackages(wantedPackages, { ...bare, isRoot: false });
  assert.deepEqual(plan.required, ["nginx", "build-essential"]);
  assert.equal(plan.install, false);
});

test("nothing is planned where all is there", () => {
  const plan = planSystemPackages(wantedPackages, { ...bare, has: () => true });
  assert.deepEqual([plan.required, plan.optional], [[], []]);
});

const lock = {
  "": { name: "checkout" },
  "packages/one": { name: "one", version: "1.0.0" },
  "node_modules/one": { resolved: "packages/one", link: true },
  "node_modules/a": { version: "1.0.0", integrity: "x" },
  "node_modules/b": { version: "2.0.0", integrity: "y", optional: true },
};

test("an install equal to the lockfile is left alone, absent optional packages included", () => {
  const installed = {
    "node_modules/one": lock["node_modules/one"],
    "node_modules/a": lock["node_modules/a"],
  };
  assert.deepEqual(planNodePackages(lock, installed), []);
});

test("a missing, older or differently built package is noticed", () => {
  assert.deepEqual(planNodePackages(lock, {}), ["node_modules/one", "node_modules/a"]);
  const older = { ...lock, "node_modules/a": { version: "0.9.0", integrity: "x" } };
  assert.deepEqual(planNodePackages(lock, older), ["node_modules/a"]);
  const changed = { ...lock, "node_modules/b": { version: "2.0.0", integrity: "other", optional: true } };
  assert.deepEqual(planNodePackages(lock, changed), ["node_modules/b"]);
});

test("each set of checks contains the smaller one", () => {
  const [check, fast, all] = ["check", "fast", "all"].map((set) => selectChecks(set).map((one) => one.name));
  assert.ok(check.every((name) => fast.includes(name)) && fast.every((name) => all.includes(name)));
  assert.ok(!fast.includes("end to end") && all.includes("end to end"));
});
