import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanUp, makeOutside } from "../packages/daemon/test/run/network/real-network.js";
import { findFreePort, startPlatform, type Platform } from "./lib/platform.js";
import { makeProject, type Project } from "./lib/project.js";
import { askOnce, labFiles } from "./lib/tcp.js";

/** Connects to each HOST:PORT and prints what came of it. */
const tries = `
use strict; use Socket; $| = 1; alarm 20;
for my $place (@ARGV) {
  my ($host, $port) = split /:/, $place; socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
  print connect($s, sockaddr_in($port, inet_aton($host))) ? "connected\\n" : "$!\\n";
}
`;
const refused = "Connection refused";

/** Commands run where the app does. */
describe.skipIf(process.getuid?.() !== 0)("the network of a tcp app", () => {
  let platform: Platform;
  let project: Project;
  let neighbour: Project;
  let outside: Awaited<ReturnType<typeof makeOutside>>;
  let port: number;
  /** The API, a port of another app, and where clouds hand out credentials. */
  let shut: readonly string[];

  const ports = (table: string): string => `[[tcp]]\n${table}\n[run]\ngrace_seconds = 1\ndrain_seconds = 1\n`;
  beforeAll(async () => {
    outside = await makeOutside();
    platform = await startPlatform("--tcp-address", "0.0.0.0");
    const other = await findFreePort();
    const listen = "127.0.0.1:7000";
    neighbour = await makeProject(await labFiles(listen, ports(`port = ${other}\ntarget_port = 7000`)));
    await platform.json("deploy", neighbour.dir, "-a", "neighbour");
    port = await findFreePort();
    project = await makeProject({});
    const lan = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .find((one) => one.family === "IPv4" && !one.internal && !one.address.startsWith("198."));
    const own = ["127.0.0.1", outside.host, ...(lan === undefined ? [] : [lan.address])];
    shut = [
      ...own.flatMap((host) => [`${host}:${platform.apiPort}`, `${host}:${other}`]),
      "169.254.169.254:80",
    ];
  });
  afterAll(async () => {
    await platform.stop();
    for (const one of [project, neighbour]) await one.dispose();
    await cleanUp();
  });

  /** What comes of connecting to the places, with the app's network as these lines say. */
  const reach = async (run: string, places: readonly string[], target = 7000): Promise<readonly string[]> => {
    const files = await labFiles(
      `127.0.0.1:${target}`,
      `${ports(`port = ${port}\ntarget_port = ${target}`)}${run}\n`,
    );
    for (const [path, text] of Object.entries({ ...files, "try.pl": tries })) await project.write(path, text);
    await platform.json("deploy", project.dir, "-a", "lab");
    // Whatever it reaches, its clients reach it.
    expect(await askOnce(port, "hello")).toBe("hello");
    const { stdout } = await platform.bloom("exec", "lab", "--", "perl", "try.pl", ...places);
    return stdout.trimEnd().split("\n");
  };

  test("is the outside by default, and neither the platform nor another app nor this machine", async () => {
    const places = [`${outside.address}:7000`, ...shut];
    expect(await reach("", places)).toEqual(["connected", ...shut.map(() => refused)]);
  });

  test("may be some places of the outside, or none at all", async () => {
    const there = `${outside.address}:7000`;
    const places = [there, `${outside.address}:7001`, "198.51.100.7:80", ...shut];
    const listed = `network = "outbound"\noutbound = ["${there}"]`;
    expect(await reach(listed, places)).toEqual(["connected", ...places.slice(1).map(() => refused)]);
    expect(await reach('network = "none"', places)).toEqual(places.map(() => refused));
  });

  test("may be the machine's: the app listens there, and reaches what the machine does", async () => {
    const places = [`${outside.address}:7000`, `127.0.0.1:${platform.apiPort}`];
    const own = await findFreePort();
    const files = await labFiles(`127.0.0.1:${port}`, `${ports(`port = ${port}`)}network = "host"\n`);
    for (const [path, text] of Object.entries(files)) await project.write(path, text);
    const { code, stderr } = await platform.bloom("deploy", project.dir, "-a", "lab");
    expect([code, stderr]).toEqual([6, expect.stringContaining(`nginx has port ${port} for the version`)]);
    expect(stderr).toContain("`bloom stop lab`");
    expect(await reach('network = "host"', places, own)).toEqual(["connected", "connected"]);
    expect(await askOnce(own, "by its own port")).toBe("by its own port");
  });
});
