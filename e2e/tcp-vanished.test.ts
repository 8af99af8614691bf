import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanUp, makeOutside, runInside } from "../packages/daemon/test/run/network/real-network.js";
import { eventually, findFreePort, startPlatform, type Platform } from "./lib/platform.js";
import { makeProject, type Project } from "./lib/project.js";
import { askOnce, labFiles } from "./lib/tcp.js";

const run = promisify(execFile);

describe.skipIf(process.getuid?.() !== 0)(
  "a client whose machine is gone from one moment to the next",
  () => {
    let platform: Platform;
    let project: Project;
    let outside: Awaited<ReturnType<typeof makeOutside>>;
    beforeAll(async () => {
      outside = await makeOutside();
      platform = await startPlatform("--tcp-address", "0.0.0.0");
    });
    afterAll(async () => {
      await platform.stop();
      await project.dispose();
      await cleanUp();
    });

    test("is there for its idle time, holds up nobody, and the app hears its end", async () => {
      const port = await findFreePort();
      const toml = `[[tcp]]\nport = ${port}\ntarget_port = 7000\nidle_seconds = 3\n`;
      project = await makeProject(await labFiles("127.0.0.1:7000", toml));
      await platform.json("deploy", project.dir, "-a", "half");
      const peers = async (): Promise<readonly string[]> =>
        (await platform.json<{ connections: { peer: string }[] }>("connections", "half")).connections.map(
          ({ peer }) => peer,
        );
      const said = await runInside(
        outside,
        `const s = require("net").connect(${port}, "${outside.host}", () => s.write("hello\\n"));
       s.on("error", () => {}); s.once("data", (d) => console.log(String(d)));`,
      );
      expect(said).toBe("hello");
      await run("ip", ["-n", outside.netns, "link", "set", "eth0", "down"]);
      expect(await peers()).toEqual([expect.stringContaining(outside.address)]);
      expect(await askOnce(port, "next, please")).toBe("next, please");
      await eventually("its end", peers, (all) => all.length === 0);
      const { environments } = await platform.json<{ environments: { health: string }[] }>("status", "half");
      expect(environments).toMatchObject([{ health: "running" }]);
    });
  },
);
