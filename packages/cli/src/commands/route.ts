import { BloomError, type RouteExplanation } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command } from "../command.js";
import type { Output } from "../output/output.js";
import { placeOf } from "./place.js";

export const routeCommand: Command = {
  name: "route",
  group: "Inside",
  summary: "Tell who answers a request, and why, without sending it",
  about:
    "Which location and which of its rules decide, which file is looked for, and what comes of it. The address may be a\nwhole URL or a path.",
  args: [appArgument, { name: "url", about: "such as /style.css or http://shop-local.localhost:4680/a?b=1" }],
  flags: [environmentFlag, { flag: "--method <method>", about: "the request's method", fallback: "GET" }],
  examples: ["bloom route shop /style.css", "bloom route shop /api/orders --method POST --json"],
  async run(context) {
    const { args, client, flags, output } = context;
    const params = placeOf(context);
    const method = parseMethod(String(flags["method"]));
    const url = parseUrl(args[1] ?? "");
    const answer = await client().call("explainRoute", { params, query: { url, method } });
    output.result(answer, describeRoute(answer, output));
  },
};

const outcomes: Record<RouteExplanation["outcome"], string> = {
  static: "nginx sends the file",
  app: "the app answers",
  rewrite: "nginx goes on with another path",
  forbidden: "refused",
  missing: "not found",
  stopped: "the app is stopped",
  unknown_host: "no app has this host name",
};

/** What is not what its outcome's name says. */
const byStatus: Readonly<Record<number, string>> = {
  204: "nginx answers for the file",
  301: "nginx sends the client on",
  400: "refused: this is no path",
  405: "refused: files can only be read",
  500: "nginx gives up: the paths lead in a circle",
};

/** The outcome first, what it was decided by, then the way there. */
function describeRoute(answer: RouteExplanation, { paint }: Pick<Output, "paint">): string[] {
  const { location, rule, file, rewrittenTo, status } = answer;
  const rows: [string, string | undefined][] = [
    ["location", location === null ? undefined : describeLocation(location)],
    ["rule", rule === null ? undefined : `${rule.number}: ${rule.pattern}`],
    ["file", file === null ? undefined : `${file.path} (${file.found})`],
    ["rewritten to", rewrittenTo ?? undefined],
  ];
  const said = byStatus[status ?? 0] ?? outcomes[answer.outcome];
  const verdict = `${said}${status === null ? "" : ` (${status})`}`;
  return [
    `${answer.method} ${answer.url}: ${paint("bold", verdict)}`,
    ...rows.flatMap(([name, text]) => (text === undefined ? [] : [`  ${name.padEnd(12)}  ${text}`])),
    ...answer.steps.map((step, index) => `  ${index + 1}. ${step}`),
  ];
}

function describeLocation({ path, root }: NonNullable<RouteExplanation["location"]>): string {
  return root === null ? path : `${path} (files from ${root === "" ? "the app's folder" : root})`;
}

function parseMethod(word: string): string {
  const method = word.toUpperCase();
  if (/^[A-Z]{1,20}$/.test(method)) return method;
  throw new BloomError("ERR_INVALID_ARGUMENT", `--method is \`${word}\`, but must be like GET or POST`);
}

/** A path or a URL; a word without either is a slip. */
function parseUrl(word: string): string {
  if (word.startsWith("/") || (/^https?:\/\//i.test(word) && URL.canParse(word))) return word;
  throw new BloomError("ERR_INVALID_ARGUMENT", `\`${word}\` is neither a path nor a URL`, {
    hint: `Begin a path with a slash: /${word.replace(/^[./]+/, "").slice(0, 60)}.`,
  });
}
