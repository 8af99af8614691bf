import { it } from "vitest";
import { startPostgres } from "./databases.js";
import { findPostgres } from "./postgres-cluster.js";
import { describeStore } from "./suites/describe-store.js";

const bin = await findPostgres();

if (bin === undefined) {
  console.warn("SKIPPED: the store on PostgreSQL, because no PostgreSQL is installed (Debian: postgresql)");
  it.skip("the store on PostgreSQL: not installed", () => {});
} else {
  describeStore("the store on PostgreSQL", () => startPostgres(bin));
}
