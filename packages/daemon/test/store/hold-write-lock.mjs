// Holds the lock of the SQLite file in argv[2] until stdin ends, as a second daemon does: in a transaction
// (argv[3] `WAL`), or while it still sets up a new file (`DELETE`).
import Sqlite from "better-sqlite3";

const database = new Sqlite(process.argv[2]);
database.pragma(`journal_mode = ${process.argv[3]}`);
database.exec(process.argv[3] === "WAL" ? "begin immediate" : "begin exclusive");
process.stdout.write("locked\n");
process.stdin.resume();
process.stdin.on("end", () => {
  database.exec("commit");
  database.close();
});
