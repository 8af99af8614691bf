/** One thing about this machine that the platform depends on. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Without it the platform works, but less well. */
  readonly optional: boolean;
  /** What there is. */
  readonly found: string;
  /** What to do when it is not ok. */
  readonly fix: string;
}

export function judge(name: string, ok: boolean, found: string, fix: string, optional = false): Check {
  return { name, ok, optional, found, fix };
}
