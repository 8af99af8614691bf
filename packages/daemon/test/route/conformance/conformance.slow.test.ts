import { chmod, mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explainRoute } from "../../../src/route/explain-route.js";
import { openLookUp } from "../../../src/route/look-up.js";
import type { RouteTarget } from "../../../src/route/plan-routes.js";
import { call } from "../call.js";
import { openBench, type NginxBench } from "../real-nginx.js";
import { closeServers, listen } from "../serve-app.js";
import { makeTarget } from "../targets.js";
import { place, writeTree, type Case } from "./case.js";
import { decisions } from "./decisions.js";
import { prefixes } from "./prefixes.js";
import { rules } from "./rules.js";
import { staticAnswers } from "./static-answers.js";

const groups: Readonly<Record<string, readonly Case[]>> = { decisions, prefixes, rules, staticAnswers };
const all = Object.values(groups).flat();

let bench: NginxBench;
let app: Server;
let targets: readonly RouteTarget[];
beforeAll(async () => {
  bench = await openBench();
  const artifact = join(bench.home, "tree");
  const mount = join(bench.home, "mount");
  await mkdir(artifact);
  await writeTree(artifact, mount);
  await chmod(mount, 0o755);
  app = createServer((incoming, response) => response.end(`${incoming.method} ${incoming.url}`));
  const port = await listen(app);
  // Every case is an app of its own, all served at once.
  targets = all.map(({ locations }, index) =>
    makeTarget({
      environmentId: `env-${index}`,
      hostNames: [`case-${index}.localhost`],
      servers: [{ kind: "tcp", address: "127.0.0.1", port }],
      locations,
      artifactDir: artifact,
      mounts: [{ path: "uploads", source: mount }],
    }),
  );
  // With many locations the same behaviour is written otherwise.
  const padding = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [`/padding-${index}`, place({})] as const),
  );
  const padded = targets.map((target, index) => ({
    ...target,
    environmentId: `padded-${index}`,
    hostNames: [`padded-${index}.localhost`],
    locations: { ...target.locations, ...padding },
  }));
  await bench.serve([...targets, ...padded]);
});
afterAll(async () => {
  closeServers();
  await bench.close();
});

for (const [group, cases] of Object.entries(groups)) {
  describe(group, () => {
    test.each(cases.map((one) => [one.name, one] as const))("explained: %s", async (_name, one) => {
      const target = targets[all.indexOf(one)];
      if (target === undefined) throw new Error("no such case");
      const { path = "/", method = "GET" } = one.request;
      const explained = await explainRoute(target, { url: path, method }, openLookUp(target));
      const steps = explained.steps.join("; ");
      expect(explained.outcome, steps).toBe(one.outcome);
      // Conditions of the client are nginx's own business.
      const status = [206, 412, 416].includes(one.status) ? 200 : one.status;
      expect(explained.status, steps).toBe(one.outcome === "app" ? null : status);
      if (one.outcome === "app" && explained.rewrittenTo !== null)
        expect(one.body).toBe(`${method} ${explained.rewrittenTo}`);
    });

    test.each(
      cases.flatMap((one) => [
        [one.name, "case", one] as const,
        [`${one.name}, among many locations`, "padded", one] as const,
      ]),
    )("%s", async (_name, kind, one) => {
      const host = `${kind}-${all.indexOf(one)}.localhost`;
      const answer = await call(bench.port, { ...one.request, host });
      expect(answer.status, answer.body).toBe(one.status);
      if (one.body !== undefined) expect(answer.body).toBe(one.body);
      for (const [name, value] of Object.entries(one.headers ?? {})) {
        const have = answer.headers[name];
        if (value === null) expect(have, name).toBeUndefined();
        else if (typeof value === "string") expect(have, name).toBe(value);
        else expect(String(have), name).toMatch(value);
      }
    });
  });
}
