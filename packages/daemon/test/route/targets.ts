import { completeLocation, manifestDefaults } from "@bloomery/contract";
import type { RouteTarget } from "../../src/route/plan-routes.js";

/** A web app that takes everything itself; `wish` changes what a test is about. */
export function makeTarget(wish: Partial<RouteTarget> = {}): RouteTarget {
  return {
    environmentId: "env-2f3g4h5j6k7m",
    org: "local",
    app: "shop",
    environment: "main",
    shape: "web",
    function: null,
    streams: [],
    hostNames: ["shop-local.localhost"],
    servers: [{ kind: "tcp", address: "198.18.128.1", port: 8888 }],
    locations: { "/": completeLocation({}) },
    artifactDir: null,
    mounts: [],
    holdSocket: null,
    holdSeconds: 300,
    sleeps: false,
    timeouts: manifestDefaults.timeouts,
    state: "running",
    ...wish,
  };
}
