import {
  BloomError,
  plainVariableKey,
  variableKey,
  type ApiRoutes,
  type RouteInput,
  type VariableView,
} from "@bloomery/contract";
import type { Context } from "../command.js";
import { createPhases } from "../output/phases.js";
import { assertLive, followDeployment } from "./follow-deployment.js";
import { parseChoice } from "./parse-flag.js";
import { placeOf } from "./place.js";

export type VariableChange = RouteInput<ApiRoutes["changeVariables"]>["body"];

/** What the flags of `env set`, `env unset` and `secret …` say about a change. Throws ERR_INVALID_ARGUMENT. */
export function planChange(flags: Context["flags"]): VariableChange {
  const level = parseChoice(flags, "level", ["app", "environment"]);
  const build = flags["visible-build"];
  const runtime = flags["visible-runtime"];
  return {
    apply: flags["apply"] !== false,
    ...(level === undefined ? {} : { level }),
    ...(flags["as-json"] === true ? { json: true } : {}),
    ...(typeof build === "boolean" ? { visibleBuild: build } : {}),
    ...(typeof runtime === "boolean" ? { visibleRuntime: runtime } : {}),
  };
}

/** Changes variables, follows the deployment that comes of it and says what is in force. */
export async function changeVariables(context: Context, body: VariableChange): Promise<void> {
  const place = placeOf(context);
  if (body.json === true) for (const one of Object.entries(body.set ?? {})) assertJson(...one);
  // Never broken off: we would not know whether there is a deployment to cancel.
  const answer = await context.client().call("changeVariables", { params: place, body }, { signal: null });
  if (answer.deployment !== null) {
    const finished = await followDeployment(context, place, answer.deployment, createPhases(context.output));
    assertLive(context, finished);
  }
  const set = Object.keys(body.set ?? {}).map(plainVariableKey);
  const force = describeForce(body, answer.deployment !== null);
  const removed = (body.unset ?? []).map(
    (key) => `${plainVariableKey(key)}: ${describeRemoved(plainVariableKey(key), body, answer.variables)}`,
  );
  const lines = [...(set.length === 0 ? [] : [`${set.join(", ")}: ${force}`]), ...removed];
  context.output.result({ variables: answer.variables }, lines);
}

/** What there is instead of a variable that is gone. */
function describeRemoved(
  name: string,
  { apply }: VariableChange,
  variables: readonly VariableView[],
): string {
  const left = variables.find((one) => one.name === name && !one.overridden);
  const [removed, holds] =
    apply === false ? ["removed from the next deployment on", "then holds"] : ["removed", "holds now"];
  return left === undefined ? removed : `${removed}; the ${left.level}'s value ${holds}`;
}

function describeForce({ apply, visibleBuild }: VariableChange, isApplied: boolean): string {
  if (apply === false) return "kept for the next deployment";
  const running = isApplied ? "in force" : "kept until the app runs";
  return visibleBuild === true ? `${running}; the next deploy builds with it` : running;
}

/** Whose it is, and whether another level hides it. */
export function describeLevel({ level, overridden }: VariableView): string {
  return overridden ? `${level} (overridden)` : level;
}

/** Three columns: who sees a variable, and of which kind it is. */
export function describeFlags(one: VariableView): string[] {
  const kind = [one.sensitive ? "sensitive" : "", one.json ? "json" : ""].filter((word) => word !== "");
  return [one.visibleBuild ? "yes" : "no", one.visibleRuntime ? "yes" : "no", kind.join(", ") || "-"];
}

/** `NAME=value`. Throws ERR_INVALID_ARGUMENT without repeating what may be a secret. */
export function parseVariable(word: string): [string, string] {
  const at = word.indexOf("=");
  if (at < 1) {
    throw new BloomError("ERR_INVALID_ARGUMENT", `\`${word}\` must be NAME=value`, {
      hint: "To read the value from a file or standard input, give NAME and --from.",
    });
  }
  return [parseVariableName(word.slice(0, at)), word.slice(at + 1)];
}

/** Throws ERR_INVALID_NAME. */
export function parseVariableName(word: string): string {
  const parsed = variableKey.safeParse(word);
  if (parsed.success) return parsed.data;
  const reason = parsed.error.issues[0]?.message ?? "";
  throw new BloomError("ERR_INVALID_NAME", `\`${word}\` is not a variable's name: ${reason}`, {
    hint: "Write NAME for an environment variable, prefix:name for one in PLATFORM_VARIABLES.",
  });
}

function assertJson(name: string, value: string): void {
  try {
    JSON.parse(value);
  } catch {
    throw new BloomError("ERR_INVALID_ARGUMENT", `the value of ${name} is not JSON`, {
      hint: "A text needs quotes of its own: NAME='\"text\"'. Leave --as-json out for plain text.",
    });
  }
}
