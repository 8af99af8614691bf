import { BloomError, plainVariableKey, type ApiRoutes, type RouteCall } from "@bloomery/contract";
import { findPlace, type Place } from "../../deploy/places.js";
import { recordActivity } from "../activity.js";
import type { Handlers } from "../handlers.js";
import { assertOwnNames } from "../variable-names.js";
import { listVariableViews } from "../variable-views.js";
import { viewDeployment } from "../views.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<Handlers, "listVariables" | "changeVariables">;
type Change = RouteCall<ApiRoutes["changeVariables"]>["body"];

export function createVariableHandlers(context: ApiContext): Noun {
  const { store, secrets, views } = context;

  /** All or nothing: one wrong name must not leave half of a change behind. */
  const apply = (place: Place, change: Change): Promise<void> =>
    store.transaction(async (nouns) => {
      const environmentId = change.level === "app" ? null : place.environment.id;
      const level = { appId: place.app.id, environmentId };
      for (const [name, value] of Object.entries(change.set)) {
        const { sensitive, json, visibleBuild, visibleRuntime } = change;
        const flags = { sensitive, json, visibleBuild, visibleRuntime };
        await nouns.variables.set({
          ...level,
          ...flags,
          name: plainVariableKey(name),
          value: secrets.seal(value),
        });
      }
      for (const name of change.unset) {
        const removed = await nouns.variables.remove({ ...level, name: plainVariableKey(name) });
        if (removed) continue;
        const where = change.level === "app" ? "the app" : "this environment";
        throw new BloomError("ERR_NOT_FOUND", `there is no variable ${name} in ${where}`, {
          hint: "`bloom env list APP` shows every variable with its level; --level chooses app or environment.",
        });
      }
    });

  return {
    async listVariables({ params }) {
      const place = await findPlace(store, params);
      return { variables: await listVariableViews(store, secrets, place) };
    },

    async changeVariables({ params, body }, { caller }) {
      const place = await findPlace(store, params);
      assertChangeable(body);
      const names = [...Object.keys(body.set), ...body.unset];
      const order = {
        type: "variables.change",
        actor: caller.name,
        description: `${caller.name} changed ${names.join(", ")}`,
        orgId: place.org.id,
        appId: place.app.id,
        environment: place.environment.name,
        parameters: { ...params, names },
      };
      await recordActivity(store, order, () => apply(place, body));
      const isLive = place.environment.liveReleaseId !== null && place.environment.desired === "running";
      const row =
        body.apply && isLive ? await context.deployer.applyVariables(place, caller.name) : undefined;
      return {
        variables: await listVariableViews(store, secrets, place),
        deployment: row === undefined ? null : await viewDeployment(views, row),
      };
    },
  };
}

/** Throws ERR_INVALID_ARGUMENT for the platform's own names, for JSON that is none, and for a name that comes twice. */
function assertChangeable(change: Change): void {
  const names = [...Object.keys(change.set), ...change.unset].map(plainVariableKey);
  assertOwnNames(names);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new BloomError("ERR_INVALID_ARGUMENT", `${twice} is named twice in one change`);
  }
  if (!change.json) return;
  for (const [name, value] of Object.entries(change.set)) {
    try {
      JSON.parse(value);
    } catch (cause) {
      throw new BloomError(
        "ERR_INVALID_ARGUMENT",
        `the value of ${name} is not JSON: ${cause instanceof Error ? cause.message : ""}`,
        { cause, hint: `Strings need their quotes, such as '"text"'.` },
      );
    }
  }
}
