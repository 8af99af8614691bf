import { findHandlerFunction, findMainAttributes, type RustPlace } from "./scan-rust.js";
import type { CrateTarget } from "./plan-targets.js";
import type { CodeProblem } from "./code-problems.js";

/** The one place of a function's code that the platform calls. */
export interface Handler {
  readonly target: CrateTarget;
  readonly place: RustPlace;
}

interface Sources {
  list(): readonly string[];
  read(path: string): string | undefined;
}

/**
 * Finds the one `#[ignite::main]` of the project. It must stand in the root of a library or of a binary, because only
 * there the platform can reach it by name. The problems say where else it is, or where it could be.
 */
export function findHandler(
  sources: Sources,
  targets: readonly CrateTarget[],
): { readonly handler: Handler | null; readonly problems: readonly CodeProblem[] } {
  const found = listFiles(sources, targets).flatMap((file) =>
    findMainAttributes(sources.read(file) ?? "").map((place) => ({ file, place })),
  );
  const [first, ...more] = found;
  if (first === undefined) return { handler: null, problems: [adviseOnNone(sources, targets)] };
  if (more.length > 0) {
    const list = found.map(({ file, place }) => `${file}:${place.line}`).join(", ");
    const message = `there are ${found.length} handlers (${list}) and a function has one; remove the attribute from the others`;
    return { handler: null, problems: more.map(({ file, place }) => ({ file, ...place, message })) };
  }
  const target = targets.find(({ path }) => path === first.file);
  if (target !== undefined) return { handler: { target, place: first.place }, problems: [] };
  const root = targets[0]?.path ?? "src/lib.rs";
  const message = `the handler is in a module; move the function with its #[ignite::main] to ${root}`;
  return { handler: null, problems: [{ file: first.file, ...first.place, message }] };
}

/** Tests, examples and build scripts may have handlers of their own. */
function listFiles(sources: Sources, targets: readonly CrateTarget[]): string[] {
  const roots = new Set(targets.map(({ path }) => path));
  return sources.list().filter((path) => roots.has(path) || /^src\/.*\.rs$/.test(path));
}

function adviseOnNone(sources: Sources, targets: readonly CrateTarget[]): CodeProblem {
  const roots = targets.filter(({ path }) => sources.read(path) !== undefined);
  for (const { path } of roots) {
    const place = findHandlerFunction(sources.read(path) ?? "");
    if (place === null) continue;
    return {
      file: path,
      ...place,
      message: "the function handler has no #[ignite::main]; write it on the line above",
    };
  }
  const top = { line: 1, column: 1 };
  const [root] = roots;
  if (root === undefined) {
    const missing = targets[0]?.path ?? "src/lib.rs";
    return {
      file: missing,
      ...top,
      message: `there is no ${missing}; write the handler there, with #[ignite::main]`,
    };
  }
  const message =
    "there is no handler; write `#[ignite::main] async fn handler(req: Request, ctx: Context) -> …`";
  return { file: root.path, ...top, message };
}
