import { BloomError, parseAppRef, role, type ApiRoutes, type RouteInput } from "@bloomery/contract";
import type { Command, Context } from "../command.js";
import { formatAge } from "../output/table.js";
import { parseCount } from "./place.js";

const group = "Access";

export const accessCommands: readonly Command[] = [
  {
    name: "token create",
    group,
    summary: "Make a token; its secret is printed this once",
    args: [{ name: "name", about: "what it is for" }],
    flags: [
      { flag: "--role <role>", about: "viewer, developer or admin", fallback: "developer" },
      { flag: "--org <org>", about: "limit it to an organization" },
      { flag: "--app <app>", about: "limit it to an app, `app` or `org:app`" },
      { flag: "--expires <days>", about: "days until it is worthless" },
    ],
    examples: ["bloom token create ci --role developer --org local --app shop"],
    async run({ client, output, args, flags }) {
      const answer = await client().call("createToken", { body: planToken(args[0] ?? "", flags) });
      output.result(answer, [answer.secret]);
    },
  },
  {
    name: "token list",
    group,
    summary: "List tokens, without their secrets",
    examples: ["bloom token list"],
    async run({ client, output }) {
      const answer = await client().call("listTokens", {});
      const rows = answer.tokens.map((one) => [
        one.id,
        one.name,
        one.role,
        one.org ?? "all",
        one.app ?? "all",
        formatAge(one.lastUsedAt),
      ]);
      output.table(answer, ["TOKEN", "NAME", "ROLE", "ORG", "APP", "LAST USED"], rows);
    },
  },
  {
    name: "token delete",
    group,
    summary: "Make a token worthless at once",
    args: [{ name: "id", about: "a token's id" }],
    examples: ["bloom token delete tok-7k2m9xq4wz3b"],
    async run({ client, output, args, confirm }) {
      await confirm(`Delete the token ${args[0] ?? ""}?`);
      const answer = await client().call("deleteToken", { params: { token: args[0] ?? "" } });
      output.result(answer, ["deleted"]);
    },
  },
  {
    name: "org create",
    group,
    summary: "Make an organization",
    args: [{ name: "name", about: "its name" }],
    examples: ["bloom org create acme"],
    async run({ client, output, args }) {
      const answer = await client().call("createOrg", { body: { name: args[0] ?? "" } });
      output.result(answer, [answer.name]);
    },
  },
  {
    name: "org list",
    group,
    summary: "List organizations",
    examples: ["bloom org list"],
    async run({ client, output }) {
      const answer = await client().call("listOrgs", {});
      output.table(
        answer,
        ["ORG", "CREATED"],
        answer.orgs.map((one) => [one.name, formatAge(one.createdAt)]),
      );
    },
  },
  {
    name: "org delete",
    group,
    summary: "Remove an organization that has no apps",
    args: [{ name: "name", about: "its name" }],
    examples: ["bloom org delete acme"],
    async run({ client, output, args, confirm }) {
      await confirm(`Delete the organization ${args[0] ?? ""}?`);
      const answer = await client().call("deleteOrg", { params: { org: args[0] ?? "" } });
      output.result(answer, ["deleted"]);
    },
  },
];

/** The body of a token's creation. Throws ERR_INVALID_ARGUMENT: a slip must not make a token that lasts for ever. */
function planToken(name: string, flags: Context["flags"]): RouteInput<ApiRoutes["createToken"]>["body"] {
  const parsed = role.safeParse(flags["role"]);
  if (!parsed.success) {
    const words = `--role is \`${String(flags["role"])}\`, but must be ${role.options.join(", ")}`;
    throw new BloomError("ERR_INVALID_ARGUMENT", words);
  }
  const { org, app, expires } = flags;
  const ref =
    typeof app === "string" ? parseAppRef(app, typeof org === "string" ? org : undefined) : undefined;
  if (ref !== undefined && typeof org === "string" && ref.org !== org) {
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `--org is \`${org}\`, but --app names the organization ${ref.org}`,
    );
  }
  const days = typeof expires === "string" ? parseCount("--expires", expires, 1) : null;
  return {
    name,
    role: parsed.data,
    org: ref?.org ?? (typeof org === "string" ? org : null),
    app: ref?.app ?? null,
    expiresInSeconds: days === null ? null : days * 86_400,
  };
}
