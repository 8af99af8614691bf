import { controlProtocol } from "@bloomery/contract";
import type { Captured } from "../run-build.js";
import { compileFile } from "./compile-file.js";

/** The same as in a build, by a compiler that is called in some folder of this machine. */
export async function compileLocally(job: {
  readonly file: string;
  readonly name: string;
  readonly source: string;
  readonly folder: string;
  readonly call: (command: readonly string[]) => Promise<Captured>;
  readonly note: (text: string) => void;
}): Promise<void> {
  const { call, note, ...rest } = job;
  await compileFile({
    ...rest,
    profile: "release",
    run: { capture: ({ spec }) => call(spec.command), note, tell: note },
    stepOf: (command) => ({
      phase: "compile",
      title: command.join(" "),
      spec: {
        ...{ protocol: controlProtocol, id: "local", sandbox: "none", command: [...command], env: {} },
        ...{ user: null, netns: null, stage: null, cgroups: [], rlimits: {}, nice: 0, seccomp: false },
      },
    }),
  });
}
