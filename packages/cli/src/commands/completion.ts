import { BloomError } from "@bloomery/contract";
import type { Command } from "../command.js";

export const completionCommand: Command = {
  name: "completion",
  group: "Shell",
  summary: "Print a script that completes verbs and flags in a shell",
  args: [{ name: "shell", about: "bash, zsh or fish" }],
  examples: [
    'eval "$(bloom completion bash)"',
    "bloom completion zsh > ~/.zfunc/_bloom",
    "bloom completion fish > ~/.config/fish/completions/bloom.fish",
  ],
  async run({ args, output }) {
    const [{ commands }, { isShell, renderCompletion, shells }] = await Promise.all([
      import("./index.js"),
      import("../completion.js"),
    ]);
    const shell = args[0] ?? "";
    if (!isShell(shell)) {
      throw new BloomError(
        "ERR_INVALID_ARGUMENT",
        `the shell is \`${shell}\`, but must be ${shells.join(", ")}`,
      );
    }
    const script = renderCompletion(shell, commands);
    output.result({ shell, script }, [script.trimEnd()]);
  },
};
