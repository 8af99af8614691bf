import { z } from "zod";
import { key } from "./key-meta.js";
import { intWithin, lineText } from "./scalars.js";

/** Far more than a machine has use for, and few enough for a table in shared memory. */
const most = { min: 1, max: 1024 };

/** `[prefork]`. Everything else is the ini's to say. */
export const preforkTable = z.object({
  ini: key(lineText, {
    about: "The ini of the app, from its folder; `file.ini:section` chooses a section.",
    expected: "the path of an ini file",
    example: "app.ini",
    default: "the only ini with `rust-fn` or `plugin = rust`",
  }),
  workers: key(intWithin(most), {
    about: "How many workers run here, whatever the ini says.",
    expected: `a whole number from ${most.min} to ${most.max}`,
    example: 4,
    default: "`workers` or `processes` of the ini",
  }),
  threads: key(intWithin(most), {
    about: "How many threads a worker has here, whatever the ini says.",
    expected: `a whole number from ${most.min} to ${most.max}`,
    example: 10,
    default: "`threads` of the ini",
  }),
});
