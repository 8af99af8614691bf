/** True for text with line breaks, NUL and the like: it could end a line of what it is written into. */
export function hasControlCharacters(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text);
}
