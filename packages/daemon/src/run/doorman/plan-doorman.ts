import { join } from "node:path";
import { doormanProtocol, type DoormanOrder } from "@bloomery/contract";
import type { InstanceAddress } from "../engines/engine.js";

/** A socket to which nginx turns for an app that sleeps. */
export interface DoorPlan {
  readonly id: string;
  /** In the folder of doors, where alone the doorman may make one. */
  readonly path: string;
  /** How long a connection waits for its app. */
  readonly waitMs: number;
  /** So many wait at a time; those beyond are closed at once. */
  readonly limit: number;
}

/** What lies in the doorman's folder. */
export interface DoormanPaths {
  readonly folder: string;
  /** Where the doorman listens for the daemon; each protocol has one, so that two may work side by side. */
  readonly socket: string;
  /** Which process it is. */
  readonly record: string;
}

export function planDoorman(folder: string, protocol: number = doormanProtocol): DoormanPaths {
  return Object.freeze({
    folder,
    socket: join(folder, `${protocol}.sock`),
    record: join(folder, `${protocol}.json`),
  });
}

/** The folder of doors; it belongs to nginx's user. */
export function planDoorFolder(folder: string): string {
  return join(folder, "doors");
}

/** Protocols of doormen of which a folder knows, by the names in it. */
export function findProtocols(names: readonly string[]): readonly number[] {
  const found = names.map((name) => /^(\d{1,6})\.(?:sock|json)$/.exec(name)?.[1]);
  return [...new Set(found.filter((text) => text !== undefined).map(Number))].toSorted((a, b) => a - b);
}

/** The argument list behind `bloom-shim`. */
export function planArguments(
  paths: DoormanPaths,
  owner: { readonly uid: number; readonly gid: number } | null,
): readonly string[] {
  return ["doorman", paths.socket, ...(owner === null ? [] : [`${owner.uid}:${owner.gid}`])];
}

export function planKeep(doors: readonly DoorPlan[]): DoormanOrder {
  return {
    keep: {
      doors: doors.map(({ id, path, waitMs, limit }) => ({ id, path, wait_ms: Math.ceil(waitMs), limit })),
    },
  };
}

export function planLead(door: string, target: InstanceAddress): DoormanOrder {
  const to = target.kind === "tcp" ? { address: target.address, port: target.port } : { path: target.path };
  return { lead: { door, to } };
}
