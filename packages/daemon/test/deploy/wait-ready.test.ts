import { completeConfig, completeTcpPort, type PartialConfig } from "@bloomery/contract";
import { expect, test } from "vitest";
import { planReadyHint } from "../../src/deploy/wait-ready.js";

const port = completeTcpPort({ port: 7878, targetPort: 7000 });

test.each<[string, Partial<PartialConfig>]>([
  ["Listen on the port given in PORT, or", {}],
  [
    "Listen on the socket whose path is in SOCKET, or",
    { web: { start: "", upstream: { socketFamily: "unix" } } },
  ],
  ["Listen on 7000, write the port that the program listens on as `target_port`", { tcp: { ports: [port] } }],
  ["Listen on 7000 and 7001, write", { tcp: { ports: [port, completeTcpPort({ port: 7001 })] } }],
  ["Listen on a port of your choice", { tcp: { ports: [] } }],
])("%s …", (words, part) => {
  const hint = planReadyHint(completeConfig({ web: { start: "" }, ...part }));
  expect(hint).toContain(words);
  expect(hint).toContain("`[ready] timeout_seconds`");
});
