/** Size classes and their cores; AUTO leaves it to the platform. */
export const sizeNames = ["AUTO", "XS", "S", "M", "L", "XL", "2XL", "4XL"] as const;
export type SizeName = (typeof sizeNames)[number];

const cores: Readonly<Record<SizeName, number | null>> = {
  AUTO: null,
  XS: 0.25,
  S: 0.5,
  M: 1,
  L: 2,
  XL: 4,
  "2XL": 8,
  "4XL": 16,
};

/** Cores of a size class; null for AUTO. */
export function coresOf(size: SizeName): number | null {
  return cores[size];
}
