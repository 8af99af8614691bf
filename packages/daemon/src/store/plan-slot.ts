/** The smallest whole number from `first` on that is not in `used`; `used` may be in any order. */
export function planSlot(used: readonly number[], first: number): number {
  const taken = new Set(used);
  let slot = first;
  while (taken.has(slot)) slot++;
  return slot;
}
