import { defineConfig } from "vitest/config";

/** Tests read the packages' sources, so that no build has to come first. */
const resolve = { conditions: ["bloomery-source"] };
const ssr = { resolve: { conditions: ["bloomery-source"] } };

/** Real processes are waited for most of the time. More files at once would be in the way of those that look at times. */
const twoAtATime = { maxWorkers: 2 };

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
          // One file after the other finds in its process what was loaded before, and nothing else that was left.
          isolate: false,
          maxWorkers: "100%",
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
          ...twoAtATime,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          testTimeout: 300_000,
          // Hooks compile whole dependencies, after everything else that runs on the machine.
          hookTimeout: 600_000,
          ...twoAtATime,
        },
      },
    ],
  },
});
