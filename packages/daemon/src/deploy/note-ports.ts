import { BloomError, withFoundPorts, type AppConfig } from "@bloomery/contract";
import type { Instance } from "../run/engines/engine.js";
import type { Store } from "../store/open-store.js";
import type { Version } from "../store/versions.js";
import type { Place } from "./places.js";
import type { Walk } from "./walk.js";

export interface NotePortsParts {
  readonly store: Pick<Store, "versions">;
  /** Throws when a port belongs to another app, or to somebody else on this machine. */
  readonly assertRoutable: (place: Place, config: AppConfig, artifactDir: string | null) => Promise<void>;
  readonly artifactDir: (digest: string) => string;
}

/**
 * Of a tcp app whose manifest names no port: lets clients in to what its new instances listen on, and writes it to the
 * version, so that it is not looked for again. Before they take traffic: a port that cannot be had keeps the old ones.
 */
export async function notePorts(
  parts: NotePortsParts,
  walk: Walk,
  { place, version }: { readonly place: Place; readonly version: Version },
  instances: readonly Instance[],
): Promise<void> {
  if (version.config.tcp === null || version.config.tcp.ports.length > 0) return;
  const ports = planFoundPorts(instances.map(({ listens }) => listens));
  const config = withFoundPorts(version.config, ports);
  await parts.assertRoutable(place, config, parts.artifactDir(version.artifact));
  for (const instance of instances) await instance.openPorts(ports);
  await parts.store.versions.noteFoundPorts(version.id, ports);
  const text = `it listens on ${ports.length === 1 ? "port" : "the ports"} ${ports.join(", ")}; [[tcp]] in bloom.toml would say so, and more`;
  walk.emit({ type: "log", source: "platform", text });
}

/** What all replicas listen on. Throws ERR_NOT_READY when that is nothing. */
export function planFoundPorts(listens: readonly (readonly number[])[]): readonly number[] {
  const [first = [], ...others] = listens;
  const common = first.filter((port) => others.every((ports) => ports.includes(port)));
  if (common.length > 0) return common.toSorted((a, b) => a - b);
  const seen = listens.map((ports) => `[${ports.join(", ")}]`).join(" ");
  throw new BloomError(
    "ERR_NOT_READY",
    `its replicas listen on different ports: ${seen}, so none can be given to clients`,
    { hint: "Name the port in bloom.toml: [[tcp]] port = 7878." },
  );
}
