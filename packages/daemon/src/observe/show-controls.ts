/** What strangers write must not reach a terminal as orders to it, nor a database that takes no zero bytes. */
export function showControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
