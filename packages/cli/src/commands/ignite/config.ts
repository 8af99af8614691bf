import { text as readAll } from "node:stream/consumers";
import { BloomError, orgName } from "@bloomery/contract";
import type { Command, Context } from "../../command.js";
import { igniteKeys, loadIgniteConfig, type IgniteKey } from "../../ignite-config.js";
import { saveIgniteConfig } from "../../save-ignite-config.js";
import { renderFields } from "../../output/table.js";
import { assertAddress } from "../../settings.js";
import { unknownWord } from "../parse-flag.js";
import { defineIgniteVerb, defineVerb } from "./define.js";

export const configCommands: readonly Command[] = [
  defineVerb({
    name: "config set",
    summary: "Remember a setting",
    about:
      "The file is config.yaml in DODIL_CONFIG_DIR, else IGNITE_CONFIG_DIR, else ~/.config/unified-cli, else ~/.ignite; only\nits user can read it. Flags and the environment come before it.",
    args: [
      { name: "key", about: igniteKeys.join(", "), choices: igniteKeys },
      { name: "value", about: "the value; `-` for standard input; an empty one takes the key away" },
    ],
    examples: [
      "dodil ignite config set org_id org",
      "dodil ignite config set api_endpoint http://127.0.0.1:4600",
      "dodil ignite config set token - < token.txt",
    ],
    async run(context) {
      const [word = "", value = ""] = context.args;
      const key = igniteKeys.find((one) => one === word);
      if (key === undefined) throw unknownWord("the key", word, igniteKeys);
      const text = value === "-" ? (await readAll(context.stdin())).trim() : value;
      assertValue(key, text);
      const path = await saveIgniteConfig(context, { [key]: text });
      context.output.result({ path, key }, [
        text === "" ? `${key} is taken out of ${path}` : `${key} is set in ${path}`,
      ]);
    },
  }),
  defineVerb({
    name: "config view",
    summary: "Show the settings in force",
    about: "The token is not printed.",
    examples: ["dodil ignite config view", "dodil ignite config view -o yaml"],
    async run(context) {
      const { settings, output } = context;
      const { path } = await loadIgniteConfig(context);
      const document = {
        path,
        api_endpoint: settings.api,
        org_id: settings.org,
        token: settings.token === undefined ? "none" : "set",
      };
      output.result(document, renderFields(Object.entries(document)));
    },
  }),
  defineIgniteVerb({
    name: "login",
    summary: "Remember a token, and where it is for",
    about: "A token that the platform does not know is refused. `bloom token create` makes one.",
    flags: [],
    examples: ["dodil ignite login --token tok-secret --api-endpoint http://127.0.0.1:4600 --org org"],
    async run(context) {
      const { flags, output, settings } = context;
      const { token } = flags;
      if (typeof token !== "string" || token === "") {
        throw new BloomError("ERR_USAGE", "--token is missing", {
          hint: "`bloom token create NAME` makes a token; give it with --token.",
        });
      }
      const api = flags["api-endpoint"] ?? flags["api"];
      const given = flags["org"] ?? flags["org-name"];
      if (typeof given === "string") assertValue("org_id", given);
      if (typeof api === "string") assertValue("api_endpoint", api);
      assertValue("token", token);
      const orgs = await listOrgs(context);
      // A token is most often for one organization: then that is the one of functions without another.
      const org = typeof given === "string" ? given : orgs.length === 1 ? orgs[0] : undefined;
      const path = await saveIgniteConfig(context, {
        token,
        ...(typeof api === "string" ? { api_endpoint: api } : {}),
        ...(org === undefined ? {} : { org_id: org }),
      });
      const document = { path, api_endpoint: settings.api, org_id: org ?? settings.org };
      output.result(document, [
        `logged in at ${settings.api}, organization ${document.org_id}; kept in ${path}`,
      ]);
    },
  }),
];

/** The organizations that the token is for. Throws ERR_UNAUTHENTICATED for one that means nothing there. */
async function listOrgs({ client }: Context): Promise<readonly string[]> {
  try {
    return (await client().call("listOrgs", {})).orgs.map(({ name }) => name);
  } catch (error) {
    // It may do little; it is known all the same.
    if (error instanceof BloomError && error.code === "ERR_FORBIDDEN") return [];
    throw error;
  }
}

/** Throws ERR_INVALID_ARGUMENT or ERR_INVALID_NAME. */
function assertValue(key: IgniteKey, value: string): void {
  if (value === "") return;
  if (key === "api_endpoint") return assertAddress(value);
  if (key === "token" && /[^\x21-\x7e]/.test(value))
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      "the token has a space or a sign in it that tokens do not have",
    );
  const parsed = orgName.safeParse(value);
  if (key === "org_id" && !parsed.success)
    throw new BloomError(
      "ERR_INVALID_NAME",
      `\`${value}\` is not a valid name: ${parsed.error.issues[0]?.message ?? ""}`,
    );
}
