/** Whether a text is a host name: letters, digits, hyphens and underscores between dots. */
export function isHostName(name: string): boolean {
  return (
    name.length <= 253 && name.split(".").every((label) => /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/.test(label))
  );
}
