/**
 * For what the whole machine shares, such as addresses and uids: no other worker of this run has this number, and
 * hardly one of another checkout.
 */
export const lane = process.ppid + Number(process.env["VITEST_POOL_ID"]);
