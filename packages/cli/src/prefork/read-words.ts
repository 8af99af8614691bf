/** Options by which the host only says something and serves nothing: with or without a value, in any spelling. */
const telling = /^--?(?:check|show-config|help|version|h)(?:=.*)?$/;

/** What goes to the host, and whether its library is to be built before. */
export function readWords(
  args: readonly string[],
  mayBuild: boolean,
): { readonly words: readonly string[]; readonly builds: boolean } {
  const words = args.filter((word) => word !== "--no-build");
  const isKept = words.length < args.length || words.some((word) => telling.test(word));
  return { words, builds: mayBuild && !isKept };
}
