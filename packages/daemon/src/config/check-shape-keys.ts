import type { BloomToml, ManifestPath, Problem } from "@bloomery/contract";
import { manifestProblem, type ManifestFile } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";

/** Keys of bloom.toml that say nothing of a function, and what does instead. */
const webOnly: readonly (readonly [ManifestPath, string])[] = [
  [["build", "command"], "it is built by cargo, with what the platform adds; remove this"],
  [["build", "package"], "what is built is where the handler stands; remove this"],
  [["build", "bin"], "what is built is where the handler stands; remove this"],
  [["run", "command"], "the platform starts it; remove this"],
  [["run", "pre_start"], "what must be done before the first request goes into its warm-up; remove this"],
  [["run", "post_start"], "what must be done before the first request goes into its warm-up; remove this"],
  [["run", "socket_family"], "the platform gives it its socket; remove this"],
  [["run", "port"], "the platform gives it its socket; remove this"],
  [["run", "replicas"], "write min_replicas and max_replicas"],
  [["ready"], "it says by itself when it is ready; remove this"],
  [["deploy"], "a new version always starts beside the old one; remove this"],
  [["hooks"], "nothing runs beside its handler; remove this"],
  [["prefork"], "its handler takes the place of an ini; remove this"],
  [["http"], "every request reaches its handler; remove this"],
  [["tcp"], "it is called over HTTP; remove this"],
  [["mounts"], "what it stores goes into the temporary store of an execution, or elsewhere; remove this"],
];

/** Keys of bloom.toml that say nothing of a prefork app, and what does instead. */
const notOfPrefork: readonly (readonly [ManifestPath, string])[] = [
  [["build", "bin"], "what is built is the library that the ini names; remove this"],
  [["run", "command"], "the host starts it, as the ini says; remove this"],
  [["run", "pre_start"], "what must be done before the first request goes into its `init`; remove this"],
  [["run", "post_start"], "what must be done before the first request goes into its `init`; remove this"],
  [["run", "socket_family"], "the platform gives it its socket; remove this"],
  [["run", "port"], "the platform gives it its socket; remove this"],
  [["ready", "path"], "the host says when its workers accept; remove this"],
  [["function"], "the library has no handler of that kind; remove this"],
  [["tcp"], "it is called over HTTP; remove this"],
];

/** What only functions have in this release. */
const scaling = ["min_replicas", "max_replicas", "idle_seconds", "concurrency"] as const;

/** Keys of web apps in a function: each is an error that says why. */
export function checkFunctionKeys({ toml, yaml }: ProjectParts): Problem[] {
  const problems = webOnly
    .filter(([path]) => isWritten(toml, path))
    .map(([path, why]) =>
      manifestProblem(toml, "error", path, `this is for web apps; of a function, ${why}`, "key"),
    );
  if (!yaml.exists) return problems;
  const message =
    "this file describes a web app and says nothing of a function but its name, its variables and its size; write bloom.toml for the rest";
  return [...problems, manifestProblem(yaml, "warning", [], message)];
}

/** Keys that say nothing of a prefork app: each is an error that says why. */
export function checkPreforkKeys({ toml, yaml }: ProjectParts): Problem[] {
  const problems = notOfPrefork
    .filter(([path]) => isWritten(toml, path))
    .map(([path, why]) =>
      manifestProblem(toml, "error", path, `this is for other shapes; of a prefork app, ${why}`, "key"),
    );
  const commands = yaml.data.web?.commands;
  if (commands === undefined) return [...problems, ...checkScaling(toml)];
  const message = "the host starts a prefork app, as its ini says, so this has no effect";
  const remark = manifestProblem(yaml, "warning", ["web", "commands"], message, "key");
  return [...problems, ...checkScaling(toml), remark];
}

/** Keys of other shapes in a web app. */
export function checkWebKeys({ toml }: ProjectParts): Problem[] {
  const problems = checkScaling(toml);
  for (const shape of ["function", "prefork"] as const) {
    if (!isWritten(toml, [shape])) continue;
    const message = `this is a web app, and the table says what a ${shape === "function" ? "function" : "prefork app"} is; remove it, or write shape = "${shape}"`;
    problems.push(manifestProblem(toml, "error", [shape], message, "key"));
  }
  return problems;
}

function checkScaling(toml: ManifestFile<BloomToml>): Problem[] {
  return scaling
    .filter((name) => toml.data.run?.[name] !== undefined)
    .map((name) => {
      const message = "this is accepted and takes effect in a later release";
      return manifestProblem(toml, "warning", ["run", name], message, "key");
    });
}

/** Also when what stands there is wrong. */
function isWritten({ source }: ManifestFile<unknown>, path: ManifestPath): boolean {
  const value = path.reduce<unknown>(
    (inner, step) =>
      typeof inner === "object" && inner !== null
        ? (inner as Record<string | number, unknown>)[step]
        : undefined,
    source.value,
  );
  return value !== undefined && value !== null;
}
