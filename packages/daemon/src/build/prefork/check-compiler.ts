import { BloomError } from "@bloomery/contract";

const hint =
  "Ask for no toolchain (remove rust-toolchain.toml, `toolchain` below [build]), so that both are compiled by the same one; or write the app with #[prefork::application], which any compiler will do for.";

/**
 * Throws ERR_BUILD_FAILED before anything is compiled for nothing: values of Rust's own types cross between a library
 * of the classic kind and the host, and their layout is each compiler's own. Versions that are not known say nothing.
 */
export function assertClassic(toolchain: string, host: string | null): void {
  const own = host?.split(" ")[0];
  if (own === undefined || own === toolchain) return;
  throw mismatch("the library", toolchain, own);
}

/** The same for a library that is there. */
export function assertSameCompiler(path: string, library: string | null, host: string | null): void {
  if (library === null || host === null || library === host) return;
  throw mismatch(path, library, host);
}

function mismatch(what: string, own: string, host: string): BloomError {
  return new BloomError(
    "ERR_BUILD_FAILED",
    `${what} is of the classic kind and compiled by Rust ${own}, and the host that calls it by Rust ${host}; the two would not understand each other's values`,
    { hint },
  );
}
