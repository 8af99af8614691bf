import { startPglite, startSqlite } from "./databases.js";
import { describeStore } from "./suites/describe-store.js";

describeStore("the store on SQLite", startSqlite);
describeStore("the store on PGlite", startPglite);
