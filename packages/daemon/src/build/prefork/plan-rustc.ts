import { blankRust } from "../function/scan-rust.js";

/** Where rustc puts what it makes, below `/app`. */
export const rustcFolder = "target/prefork";

/** One call of rustc for one file. */
export interface RustcWish {
  readonly file: string;
  /** The crate's name, and so the library's. */
  readonly name: string;
  readonly edition: string;
  /** A file beside it that is compiled in its place; messages name the file itself. */
  readonly standIn: string | null;
  readonly profile: string;
}

/** Its arguments. The library's kind is the file's own affair. */
export function planRustc({ file, name, edition, standIn, profile }: RustcWish): string[] {
  const isRelease = profile !== "dev" && profile !== "test";
  return [
    "rustc",
    `--edition=${edition}`,
    `--crate-name=${name}`,
    "--error-format=json",
    `--out-dir=${rustcFolder}`,
    ...(isRelease ? ["-Copt-level=3", "-Cstrip=symbols"] : ["-Cdebuginfo=1"]),
    // The signature itself is what this one would be about.
    "-Aimproper_ctypes_definitions",
    ...(standIn === null ? [] : ["--cap-lints=allow", `--remap-path-prefix=${standIn}=${file}`]),
    standIn ?? file,
  ];
}

/**
 * The edition of a file that nobody says it of. A plain `#[no_mangle]` is an error in the newest one, and in the one
 * before it nearly everything that was ever stable is still right.
 */
export function chooseEdition(source: string): "2021" | "2024" {
  return /#\s*\[\s*unsafe\s*\(/.test(blankRust(source)) ? "2024" : "2021";
}

/** The edition in which code of before 2018 was written. */
export const oldEdition = "2015";
