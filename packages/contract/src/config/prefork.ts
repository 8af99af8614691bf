/** What makes an app a prefork app: a library that the host's workers call, described by an ini. */
export interface PreforkConfig {
  /** The ini below `/app`, without `./`. */
  readonly ini: string;
  /** The section of it; null: the one that is meant when nobody says. */
  readonly section: string | null;
  /** Workers in place of those of the ini; null: what the ini says. */
  readonly workers: number | null;
  /** Threads of a worker in place of those of the ini; null: what the ini says. */
  readonly threads: number | null;
  readonly source: PreforkSource;
}

/** What the library is made from. */
export type PreforkSource =
  /** The project's Cargo.toml. */
  | { readonly kind: "cargo" }
  /** Files beside the ini that rustc takes as they are, each for one library. Never empty. */
  | { readonly kind: "files"; readonly files: readonly string[] }
  /** Nothing: the library lies in the folder. */
  | { readonly kind: "prebuilt" };

/** What holds when nobody says anything. */
export const preforkDefaults = Object.freeze({
  ini: "app.ini",
  section: null,
  workers: null,
  threads: null,
  source: Object.freeze({ kind: "cargo" }),
} as const satisfies PreforkConfig);
