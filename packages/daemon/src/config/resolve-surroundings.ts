import { isIP } from "node:net";
import { type AppConfig, type Problem } from "@bloomery/contract";
import { containerProperty } from "./container.js";
import { isHostName } from "./host-name.js";
import { manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import { suggestNear } from "./suggest-near.js";

/** What surrounds the app's processes. */
export interface Surroundings {
  readonly additionalHosts: AppConfig["additionalHosts"];
  readonly timezone: AppConfig["timezone"];
  readonly access: AppConfig["access"];
  readonly problems: readonly Problem[];
}

/** Hosts, time zone and access of the yaml. */
export function resolveSurroundings(parts: ProjectParts): Surroundings {
  const { yaml } = parts;
  const access = containerProperty(yaml, "access").value;
  const timezone = containerProperty(yaml, "timezone");
  const problems = checkHosts(parts);
  if (timezone.value !== undefined && !isTimezone(timezone.value)) {
    const near = suggestNear(timezone.value, Intl.supportedValuesOf("timeZone"));
    const advice = near === undefined ? 'write a name such as "Europe/Berlin"' : `did you mean "${near}"?`;
    const message = `there is no time zone ${JSON.stringify(timezone.value)}; ${advice}`;
    problems.push(manifestProblem(yaml, "error", timezone.path, message));
  }
  return {
    additionalHosts: yaml.data.additional_hosts ?? {},
    timezone: timezone.value ?? null,
    access: { ssh: access?.ssh ?? "contributor" },
    problems,
  };
}

/** Names of the TZ database; plain offsets, which some runtimes take as well, are none. */
function isTimezone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,60}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** They become lines of a file, so nothing but names and addresses may stand in them. */
function checkHosts({ yaml }: ProjectParts): Problem[] {
  return Object.entries(yaml.data.additional_hosts ?? {}).flatMap(([host, address]) => {
    const path = ["additional_hosts", host];
    const problems: Problem[] = [];
    if (!isHostName(host)) {
      const message = 'a host name has letters, digits, hyphens and dots; write one such as "db.example.org"';
      problems.push(manifestProblem(yaml, "error", path, message, "key"));
    }
    if (isIP(address) === 0 || address.includes("%")) {
      const message = `expected an IP address, found ${JSON.stringify(address.slice(0, 60))}; write one such as "192.0.2.7"`;
      problems.push(manifestProblem(yaml, "error", path, message));
    }
    return problems;
  });
}
