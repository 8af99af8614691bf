/** `npm run bench -- --quick …` only proves that suites run: small numbers, and nothing is published. */
export const isQuick = process.env.BLOOM_BENCH_QUICK === "1";

/** How often, how long or how many. */
export const pick = (full, quick) => (isQuick ? quick : full);
