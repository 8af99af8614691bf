import { afterAll, afterEach, beforeAll } from "vitest";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

type Run = typeof run;

/** One fake daemon for the tests of a file, with no answers and no calls at the beginning of each. */
export function useFakeDaemon(): { readonly daemon: () => FakeDaemon; readonly ask: Run } {
  let daemon: FakeDaemon;
  beforeAll(async () => {
    daemon = await startFakeDaemon();
  });
  afterEach(() => {
    daemon.calls.length = 0;
    for (const key of Object.keys(daemon.answers)) delete daemon.answers[key as keyof typeof daemon.answers];
  });
  afterAll(() => daemon.close());
  return {
    daemon: () => daemon,
    ask: (argv, env, ...rest) => run(argv, { BLOOM_API: daemon.url, BLOOM_TOKEN: "secret", ...env }, ...rest),
  };
}
