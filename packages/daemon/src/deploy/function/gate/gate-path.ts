import { join } from "node:path";

/** Where nginx finds who holds the requests of a function against its schemas. */
export function gatePath(folder: string, { slot }: { readonly slot: number }): string {
  return join(folder, `gate-${slot}.sock`);
}
