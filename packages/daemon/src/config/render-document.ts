import type { AppConfig, JsonValue, ManifestPath, PlatformApp } from "@bloomery/contract";
import { containerProperty } from "./container.js";
import type { ManifestFile } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import type { WrittenLocation } from "./resolve-behaviour.js";
import type { ManifestLocation } from "./resolve-locations.js";
import { toJson } from "./to-json.js";

/**
 * The manifest as the app finds it in PLATFORM_APPLICATION: in its own words, with defaults filled in, and with what
 * bloom.toml has replaced. `config` is everything else that was resolved.
 */
export function renderDocument(
  { yaml, toml }: ProjectParts,
  config: Omit<AppConfig, "document">,
  locations: readonly ManifestLocation[],
): AppConfig["document"] {
  const { data } = yaml;
  const { build, hooks, web } = config;
  const later = (key: keyof PlatformApp, standard: JsonValue): JsonValue => rawAt(yaml, [key]) ?? standard;
  const ofContainer = (key: "relationships" | "firewall", standard: JsonValue): JsonValue =>
    rawAt(yaml, ["web", key]) ?? later(key, standard);
  const variables = containerProperty(yaml, "variables").value ?? {};
  const document = {
    access: config.access,
    additional_hosts: config.additionalHosts,
    build: { flavor: data.build?.flavor ?? null, caches: data.build?.caches ?? {} },
    container_profile: containerProperty(yaml, "container_profile").value ?? null,
    crons: later("crons", {}),
    dependencies: later("dependencies", {}),
    disk: config.diskMb,
    firewall: ofContainer("firewall", null),
    hooks: { build: build.hook, deploy: hooks.deploy, post_deploy: hooks.postDeploy },
    mounts: Object.fromEntries(
      Object.entries(config.mounts).map(([folder, { source, sourcePath }]) => [
        `/${folder}`,
        { source, source_path: sourcePath },
      ]),
    ),
    name: config.name,
    operations: later("operations", {}),
    preflight: later("preflight", { enabled: true, ignored_rules: [] }),
    relationships: ofContainer("relationships", {}),
    resources: containerProperty(yaml, "resources").value ?? null,
    runtime: later("runtime", {}),
    size: containerProperty(yaml, "size").value ?? "AUTO",
    source: { root: data.source?.root ?? null, operations: rawAt(yaml, ["source", "operations"]) ?? {} },
    stack: later("stack", null),
    timezone: config.timezone,
    type: data.type ?? "rust:1",
    variables: { ...variables, env: { ...variables["env"], ...toml.data.env } },
    web: {
      commands: { start: web.start, pre_start: web.preStart, post_start: web.postStart },
      locations: Object.fromEntries([
        ["/", renderLocation({}, null)],
        ...locations.map(({ prefix, written }) => [
          prefix,
          renderLocation(written, web.locations[prefix]?.root ?? null),
        ]),
      ]),
      upstream: {
        protocol: data.web?.upstream?.protocol ?? "http",
        socket_family: web.upstream.socketFamily,
      },
    },
    workers: later("workers", {}),
  };
  return toJson(document) as AppConfig["document"];
}

/** With the defaults that `resolveLocations` fills in as well. */
function renderLocation(written: WrittenLocation, root: string | null): object {
  const { request_buffering: buffering } = written;
  return {
    root,
    passthru: written.passthru ?? true,
    index: written.index ?? null,
    expires: written.expires ?? -1,
    allow: written.allow ?? true,
    scripts: written.scripts ?? true,
    headers: written.headers ?? {},
    rules: written.rules ?? {},
    request_buffering: {
      enabled: buffering?.enabled ?? true,
      max_request_size: buffering?.max_request_size ?? "250m",
    },
  };
}

/** What stands in the yaml, as it is: keys that take effect later are not looked into. */
function rawAt({ source }: ManifestFile<unknown>, path: ManifestPath): JsonValue {
  const value = path.reduce<unknown>(
    (inner, step) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Readonly<Record<string | number, unknown>>)[step]
        : null,
    source.value,
  );
  return toJson(value);
}
