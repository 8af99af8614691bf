import { completeTcpPort, type AppConfig } from "@bloomery/contract";
import { expect, test } from "vitest";
import { findObstacle } from "../../src/deploy/tcp/assert-handover.js";

const app = (network: AppConfig["network"], port: number, targetPort = port) => ({
  network,
  tcp: { ports: [completeTcpPort({ port, targetPort })] },
});
const web = { network: "outbound", tcp: null } as const;

test.each([
  [
    "from the machine's network to its own",
    app("host", 7000),
    app("outbound", 7000),
    true,
    /itself, so nginx/,
  ],
  ["from its own to the machine's", app("outbound", 7000), app("host", 7000), true, /^nginx has port 7000/],
  [
    "behind nginx without root",
    app("outbound", 7000),
    app("outbound", 7000, 7001),
    false,
    /itself, so nginx/,
  ],
  ["from behind nginx without root", app("outbound", 7000, 7001), app("outbound", 7000), false, /^nginx has/],
  ["by another port", app("host", 7000), app("outbound", 7001, 7000), true, undefined],
  ["of the same kind", app("outbound", 7000), app("outbound", 7000, 7001), true, undefined],
  ["of the same kind without root", app("outbound", 7000), app("outbound", 7000), false, undefined],
  ["after another shape", web, app("host", 7000), true, undefined],
])("%s", (_, running, next, hasNetwork, words) => {
  const obstacle = findObstacle(running, next, hasNetwork);
  if (words === undefined) expect(obstacle).toBeUndefined();
  else expect(obstacle).toMatch(words);
});
