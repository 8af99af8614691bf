import type { BloomToml, ManifestPath, Problem } from "@bloomery/contract";
import { isWritten, manifestProblem, type ManifestFile } from "./manifest-file.js";
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

/** Keys of bloom.toml that say nothing of a tcp app, and what does instead. */
const notOfTcp: readonly (readonly [ManifestPath, string])[] = [
  [["run", "socket_family"], "it always listens on ports; remove this"],
  [["run", "port"], "it listens where it wants to; write target_port below [[tcp]]"],
  [["limits", "timeout_seconds"], "a connection ends by idle_seconds of its [[tcp]]; remove this"],
  [["ready", "path"], "it is ready when it accepts connections; remove this"],
  [["function"], "it has no handler; remove this"],
  [["prefork"], "it is a program of its own; remove this"],
  [["http"], "nothing is known of what its clients say; remove this"],
];

/** What only functions have, and what says it of the others. */
const scaling = {
  max_replicas:
    "write replicas for how many instances run, and min_replicas for how many go on when nobody asks",
  concurrency: "an instance takes what comes; write replicas for more instances, and remove this",
} as const;

/** Tables that make an app one of another shape, and what they make it. */
const otherTables = { function: "function", prefork: "prefork app", tcp: "tcp app" } as const;

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

/** Keys that say nothing of a tcp app: each is an error that says why. */
export function checkTcpKeys({ toml, yaml }: ProjectParts): Problem[] {
  const problems = notOfTcp
    .filter(([path]) => isWritten(toml, path))
    .map(([path, why]) =>
      manifestProblem(toml, "error", path, `this is for other shapes; of a tcp app, ${why}`, "key"),
    );
  const message = "nginx hands the bytes of a tcp app on as they are, so this has no effect";
  const remarks = (["locations", "upstream"] as const)
    .filter((name) => yaml.data.web?.[name] !== undefined)
    .map((name) => manifestProblem(yaml, "warning", ["web", name], message, "key"));
  return [...problems, ...checkScaling(toml), ...remarks];
}

/** Keys of other shapes in a web app. */
export function checkWebKeys({ toml }: ProjectParts): Problem[] {
  const problems = checkScaling(toml);
  for (const [shape, what] of Object.entries(otherTables)) {
    if (!isWritten(toml, [shape])) continue;
    const message = `this is a web app, and the table says what a ${what} is; remove it, or write shape = "${shape}"`;
    problems.push(manifestProblem(toml, "error", [shape], message, "key"));
  }
  return problems;
}

function checkScaling(toml: ManifestFile<BloomToml>): Problem[] {
  return Object.entries(scaling)
    .filter(([name]) => isWritten(toml, ["run", name]))
    .map(([name, why]) =>
      manifestProblem(toml, "error", ["run", name], `this is for functions; of other apps, ${why}`, "key"),
    );
}
