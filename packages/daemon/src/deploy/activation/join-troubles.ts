import type { Healer } from "../heal.js";
import type { AppActivation } from "./open-activation.js";

type Troubles = Pick<Healer, "failureOf" | "failing">;

/** Why environments do not run as they should, whoever tried to start them. */
export function joinTroubles(
  healer: Troubles,
  activation: Pick<AppActivation, "failureOf" | "failing">,
): Troubles {
  return {
    failureOf: (id) => activation.failureOf(id) ?? healer.failureOf(id),
    failing: () => [...new Set([...healer.failing(), ...activation.failing()])],
  };
}
