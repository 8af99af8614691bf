import {
  BloomError,
  execInput,
  execOrder,
  type AppConfig,
  type ExecOrder,
  type Role,
} from "@bloomery/contract";
import { findPlace, formatPlace, namesOf, type Place } from "../../deploy/places.js";
import type { Instance } from "../../run/engines/engine.js";
import { beginActivity } from "../activity.js";
import { assertRole } from "../caller.js";
import { runOverStream } from "../exec-stream.js";
import type { Handlers } from "../handlers.js";
import { openLineBody } from "../line-body.js";
import { findLiveVersion } from "../live-version.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<Handlers, "execInApp">;

/** The manifest's words for roles, in ours. */
const roles: Readonly<Record<AppConfig["access"]["ssh"], Role>> = {
  viewer: "viewer",
  contributor: "developer",
  admin: "admin",
};

export function createExecHandlers(context: Pick<ApiContext, "store" | "fleet">): Noun {
  const { store, fleet } = context;
  return {
    async *execInApp({ params }, { caller, raw, signal }) {
      const place = await findPlace(store, params);
      const version = await findLiveVersion(store, place);
      assertRole(caller, roles[version.config.access.ssh]);
      const input = openLineBody(raw, { order: execOrder, input: execInput });
      const order = await input.order();
      const instance = chooseInstance(place, fleet.live(place.environment.id), order.instance);
      // What is typed is nobody's business; a variable's value may be a secret.
      const finish = await beginActivity(store, {
        type: "app.exec",
        actor: caller.name,
        description: `${caller.name} ran ${describeCommand(order)} in ${formatPlace(params)}`,
        orgId: place.org.id,
        appId: place.app.id,
        environment: place.environment.name,
        parameters: { ...params, instance: instance.id, command: order.command, tty: order.tty !== null },
      });
      let end: "succeeded" | "failed" | "cancelled" = "cancelled";
      let fault: unknown;
      try {
        const { command, env, tty } = order;
        const running = await instance.enter({ command, env, tty });
        for await (const output of runOverStream(running, instance.id, input.messages(), signal)) {
          if (output.type === "exit" && !signal.aborted) end = output.code === 0 ? "succeeded" : "failed";
          yield output;
        }
      } catch (error) {
        end = "failed";
        fault = error;
        throw error;
      } finally {
        await finish(end, fault);
      }
    },
  };
}

/** The instance that was named, else one that is ready, else one that has a process to look into. */
function chooseInstance(place: Place, live: readonly Instance[], wanted: string | undefined): Instance {
  const name = formatPlace(namesOf(place));
  if (wanted !== undefined) {
    const named = live.find((instance) => instance.id === wanted);
    if (named !== undefined) return named;
    const ids = live.map((instance) => instance.id).join(", ");
    throw new BloomError("ERR_NOT_FOUND", `${name} has no instance ${wanted}`, {
      hint: ids === "" ? "It has no instances at present." : `It has ${ids}.`,
    });
  }
  const found =
    live.find(({ status }) => status.state === "ready") ?? live.find(({ status }) => status.pid !== null);
  if (found !== undefined) return found;
  if (place.environment.desired === "stopped") {
    throw new BloomError("ERR_APP_STOPPED", `${name} is stopped, so there is nothing to run a command in`);
  }
  throw new BloomError("ERR_INSTANCE_LOST", `${name} has no instance that runs at present`);
}

/** The command's beginning: activities are lists that people read. */
function describeCommand({ command }: ExecOrder): string {
  const line = command.join(" ");
  return `\`${line.length > 80 ? `${line.slice(0, 79)}…` : line}\``;
}
