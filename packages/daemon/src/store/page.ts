/** How much of a list, newest first. */
export interface Page<Mark> {
  /** At most this many; 100 when absent. */
  readonly limit?: number;
  /** The last entry of the page before this one: what follows it is returned. */
  readonly before?: Mark;
}

/** Lists never grow without bound by accident. */
export const defaultLimit = 100;
