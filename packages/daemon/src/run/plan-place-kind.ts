import type { AppConfig } from "@bloomery/contract";
import type { OutboundList } from "./network/plan-outbound.js";
import { isAskedBySocket, planNetwork } from "./plan-network.js";
import { targetPorts } from "./plan-tcp.js";

/** What an instance's namespace lets in and out. */
export interface PlaceKind {
  readonly ports: readonly number[];
  readonly outbound: boolean;
  /** With `outbound`: the only places connections are allowed to; null: all outside of the platform. */
  readonly only: OutboundList | null;
}

/** The namespace an app's instances need; null where they have none of their own. */
export function planPlaceKind(config: AppConfig, hasNamespaces: boolean): PlaceKind | null {
  const plan = planNetwork(config, hasNamespaces);
  if (plan.kind !== "namespace") return null;
  return { ports: planPorts(config), outbound: plan.outbound, only: plan.only };
}

/** Those where clients come. Through its socket an app is reached without any. */
function planPorts(config: AppConfig): readonly number[] {
  if (config.tcp !== null) return targetPorts(config.tcp);
  return isAskedBySocket(config) ? [] : [config.web.port];
}
