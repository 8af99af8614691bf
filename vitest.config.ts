import { defineConfig } from "vitest/config";

/** Tests read the packages' sources, so that no build has to come first. */
const resolve = { conditions: ["bloomery-source"] };
const ssr = { resolve: { conditions: ["bloomery-source"] } };

/** Daemons of tests compile nothing that no test asks for. */
const env = { BLOOM_COMPILE_AHEAD: "0" };

export default defineConfig({
  resolve,
  ssr,
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts"],
          exclude: ["**/*.slow.test.ts"],
          env,
          testTimeout: 20_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "slow",
          include: ["packages/*/test/**/*.slow.test.ts"],
          env,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
