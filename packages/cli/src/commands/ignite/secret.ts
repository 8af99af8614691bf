import { BloomError } from "@bloomery/contract";
import type { Command } from "../../command.js";
import { secretCommands } from "../secret.js";
import { defineIgniteVerb } from "./define.js";
import { nameOf, parseFunction } from "./function-ref.js";

const difference =
  "a secret here belongs to one function, which gets it as an environment variable when it runs; credentials of git and image registries are not needed, as code comes with `draft save`";

/** `bloom secret list|set|unset`, for functions named as everything here. */
const ours: readonly Command[] = secretCommands.map((command) => {
  const { name, summary, about, args = [], flags = [], examples, run } = command;
  const [, verb = ""] = name.split(" ");
  return defineIgniteVerb({
    name,
    ...(verb === "unset" ? { also: ["secret delete"] } : {}),
    summary,
    ...(about === undefined ? {} : { about }),
    args,
    flags,
    examples: examples.map((example) => example.replace(/bloom secret/, "dodil ignite secret")),
    run: (context) => {
      const [word = "", ...rest] = context.args;
      return run({ ...context, args: [nameOf(parseFunction(context, word)), ...rest] });
    },
  });
});

export const igniteSecretCommands: readonly Command[] = [
  ...ours,
  defineIgniteVerb({
    name: "secret create",
    summary: "Not here: secrets belong to functions, see `secret set`",
    args: [{ name: "name", about: "the secret" }],
    flags: ["type <type>", "username <name>", "password <password>", "server-address <address>"].map(
      (flag) => ({
        flag: `--${flag}`,
        about: "not here",
        hidden: true as const,
      }),
    ),
    examples: ["pass show db | dodil ignite secret set org:hello DATABASE_URL"],
    async run({ args }) {
      throw new BloomError("ERR_INVALID_ARGUMENT", `${args[0] ?? ""} was not made: ${difference}`, {
        hint: "Type: dodil ignite secret set APP NAME < FILE",
      });
    },
  }),
  defineIgniteVerb({
    name: "secret get",
    summary: "Not here: secrets are never shown again",
    args: [
      { name: "id", about: "the function" },
      { name: "name", about: "the secret", optional: true },
    ],
    examples: ["dodil ignite secret list org:hello"],
    async run() {
      throw new BloomError("ERR_FORBIDDEN", "secrets can be replaced and removed, but nobody can read them", {
        hint: "`secret list` shows their names; `secret set` replaces one.",
      });
    },
  }),
];
