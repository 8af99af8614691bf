import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { applyEtc } from "../../../src/build/sandbox/apply-etc.js";
import { chooseResolvers, planEtc, type EtcFacts } from "../../../src/build/sandbox/plan-etc.js";

const account = { name: "build", home: "/home/build", uid: 1_900_000_001, gid: 1_900_000_001 };
const facts: EtcFacts = {
  account,
  hostname: "shop",
  additionalHosts: { "db.example": "10.1.2.3", cache: "fd00::1" },
  resolvConf: "",
  upstreamResolvConf: "",
};

describe("planEtc", () => {
  it("names the account", () => {
    expect(planEtc(facts).passwd).toContain("build:x:1900000001:1900000001:build:/home/build:/bin/sh\n");
    expect(planEtc({ ...facts, account: { ...account, uid: 0, gid: 0 } }).passwd).not.toContain("build:");
  });

  it("knows the sandbox itself and the additional hosts, in their order", () => {
    expect(planEtc(facts).hosts.split("\n")).toEqual([
      "127.0.0.1 localhost shop",
      "::1 localhost ip6-localhost ip6-loopback shop",
      "10.1.2.3 db.example",
      "fd00::1 cache",
      "",
    ]);
  });

  it.each([
    ["a real resolver", "nameserver 10.0.0.2\n", "nameserver 9.9.9.9\n", "nameserver 10.0.0.2\n"],
    ["systemd-resolved", "nameserver 127.0.0.53\n", "nameserver 9.9.9.9\n", "nameserver 9.9.9.9\n"],
    ["a local resolver alone", "nameserver 127.0.0.1\n", "", "nameserver 127.0.0.1\n"],
    [
      "both sorts",
      "nameserver ::1\nnameserver 10.0.0.2\n",
      "nameserver 9.9.9.9\n",
      "nameserver ::1\nnameserver 10.0.0.2\n",
    ],
    ["none", "", "nameserver 9.9.9.9\n", ""],
  ])("chooses resolvers with %s", (_, host, upstream, expected) => {
    expect(chooseResolvers(host, upstream)).toBe(expected);
  });
});

describe("applyEtc", () => {
  it("writes every file that a sandbox binds, also a second time", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bloomery-etc-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const wish = { account, user: { uid: 12, gid: 13 }, hostname: "shop", additionalHosts: {} };
    applyEtc(join(folder, "etc"), wish);
    applyEtc(join(folder, "etc"), { ...wish, hostname: "other" });
    expect((await readdir(join(folder, "etc"))).sort()).toEqual([
      "group",
      "hosts",
      "nsswitch.conf",
      "passwd",
      "resolv.conf",
    ]);
    expect(await readFile(join(folder, "etc/hosts"), "utf8")).toContain("127.0.0.1 localhost other\n");
    expect(await readFile(join(folder, "etc/passwd"), "utf8")).toContain("build:x:12:13:");
  });
});
