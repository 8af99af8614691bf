import type { AppConfig } from "@bloomery/contract";
import type { OutboundList } from "./network/plan-outbound.js";
import { isAskedBySocket, planNetwork } from "./plan-network.js";
import { planRelays, type RelayPort } from "./plan-relays.js";
import { targetPorts } from "./plan-tcp.js";

/** What an instance's namespace lets in and out. */
export interface PlaceKind {
  /** All that can be reached from the host, led to 127.0.0.1 inside; more may be opened later. */
  readonly ports: readonly number[];
  /** Those of them that are led to another port inside. */
  readonly relays: readonly RelayPort[];
  /** True: connections out of the machine are allowed. */
  readonly outbound: boolean;
  /** With `outbound`: the only places connections are allowed to; null: all outside of the platform. */
  readonly only: OutboundList | null;
}

/** The namespace an app's instances need; null where they have none of their own. */
export function planPlaceKind(config: AppConfig, hasNamespaces: boolean): PlaceKind | null {
  const plan = planNetwork(config, hasNamespaces);
  if (plan.kind !== "namespace") return null;
  const { outbound, only } = plan;
  const relays = config.tcp === null ? [] : planRelays(config.tcp);
  return { ports: planPorts(config), relays, outbound, only };
}

/** Those where clients come. Through its socket an app is reached without any. */
function planPorts(config: AppConfig): readonly number[] {
  if (config.tcp !== null) return targetPorts(config.tcp);
  return isAskedBySocket(config) ? [] : [config.web.port];
}
