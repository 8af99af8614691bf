/** What one error code means to the API, to scripts and to the reader. */
export interface ErrorEntry {
  /** HTTP status of the API's answer. */
  readonly status: number;
  /** Exit code of the CLI. */
  readonly exit: number;
  /** When it happens: one sentence for docs/errors.md. */
  readonly when: string;
  /** What to do next when the place that throws says nothing better. */
  readonly hint: string;
}
