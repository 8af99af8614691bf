/**
 * Reads the app's `.environment`, then becomes the command. It stands in a function, so that `set --` in the file
 * cannot change the command, and is closed off from the command's input and output: a file that prints must not
 * spoil what `exec` passes on. A file that ends the shell never counts as a command that ended well.
 */
const script = `bloom_environment() { . ./.environment; }
if [ -f .environment ]; then
  trap 'bloom_code=$?; echo "bloom: .environment ended with code $bloom_code, the command was not started" >&2
    [ "$bloom_code" -ne 0 ] || bloom_code=1; exit "$bloom_code"' EXIT
  bloom_environment </dev/null >&2
  trap - EXIT
elif [ -e .environment ]; then
  echo "bloom: .environment is not a file and was not read" >&2
fi
unset -f bloom_environment
cd "$0" && exec "$@"`;

/** The argument list that runs another one in the app's folder, with the last word of `.environment`. */
export function planCommand(command: readonly string[], folder = "/app"): string[] {
  return ["/bin/sh", "-c", `cd "$0" || exit 126\n${script}`, folder, ...command];
}

/** The same for a line of `sh`, as manifests have them. */
export function planLine(line: string, folder = "/app"): string[] {
  return planCommand(["/bin/sh", "-c", line], folder);
}

/** An app that did not clean up when it ended could not listen on its socket again. */
export function planWithoutSocket(socket: string, command: readonly string[]): string[] {
  return ["/bin/sh", "-c", 'rm -f -- "$0"; exec "$@"', socket, ...command];
}
