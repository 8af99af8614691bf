import type { ManifestPath, Problem } from "@bloomery/contract";
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
  [["http"], "every request reaches its handler; remove this"],
  [["tcp"], "it is called over HTTP; remove this"],
  [["mounts"], "what it stores goes into the temporary store of an execution, or elsewhere; remove this"],
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

/** Keys of functions in a web app. */
export function checkWebKeys({ toml }: ProjectParts): Problem[] {
  const problems = scaling
    .filter((name) => toml.data.run?.[name] !== undefined)
    .map((name) => {
      const message = "this is accepted and takes effect in a later release";
      return manifestProblem(toml, "warning", ["run", name], message, "key");
    });
  if (!isWritten(toml, ["function"])) return problems;
  const message =
    'this is a web app, and the table says what a function is; remove it, or write shape = "function"';
  return [...problems, manifestProblem(toml, "error", ["function"], message, "key")];
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
