/** True for text with line breaks, NUL and the like: it could end a line of what it is written into. */
export function hasControlCharacters(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text);
}

/** What strangers write must not reach a terminal as orders to it, nor a database that takes no zero bytes. */
export function showControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
