import type { ArgumentSpec, FlagSpec } from "../../command.js";

/** What every verb of this surface takes besides the flags of all verbs. */
export const igniteFlags: readonly FlagSpec[] = [
  { flag: "-o, --output <form>", about: "table, wide, json or yaml" },
  { flag: "--api-endpoint <url>", about: "the daemon's address, as --api (IGNITE_API_ENDPOINT)" },
  {
    flag: "--org <org>",
    about: "the organization of an app that is named without one (IGNITE_ORG_NAME, IGNITE_ORG_ID)",
  },
  { flag: "--org-name <org>", about: "the same" },
  { flag: "--debug", about: "print more of what happens, as -v (IGNITE_DEBUG)" },
  {
    flag: "--timeout <time>",
    about: "how long an answer may take to come: 30s, 5m; 0 is no limit",
    fallback: "5m",
  },
  { flag: "--config <file>", about: "the settings file, or its folder" },
];

export const functionArgument: ArgumentSpec = { name: "id", about: "the function, `app` or `org:app`" };
export const versionArgument: ArgumentSpec = { name: "version", about: "a version's number" };
export const executionArgument: ArgumentSpec = { name: "execution", about: "an execution's id" };
