/** One remark about a project file. Errors stop a deploy, warnings are printed. */
export interface Problem {
  readonly severity: "error" | "warning";
  /** Relative to the project's root. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  /** `web.locations./.passthru`; empty for the whole file. */
  readonly path: string;
  /** What is wrong, and what to write instead. */
  readonly message: string;
  /** Set when the problem is about the shape or the choice of an app; ERR_MANIFEST_INVALID otherwise. */
  readonly code?: "ERR_SHAPE_UNKNOWN" | "ERR_SHAPE_UNSUPPORTED" | "ERR_APP_AMBIGUOUS";
}

/** `file:line:column path: message`, the form compilers use; a warning says so after the place. */
export function formatProblem({ severity, file, line, column, path, message }: Problem): string {
  const marks = `${severity === "warning" ? " warning:" : ""}${path === "" ? "" : ` ${path}:`}`;
  return `${file}:${line}:${column}${marks === "" ? ":" : marks} ${message}`;
}
