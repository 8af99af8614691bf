import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where administrators' tools live; often missing from the PATH of a user who is not root. */
const systemFolders = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/** The full path of a program on the PATH or in a system folder, or undefined. */
export function findProgram(name, extraFolders = []) {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...systemFolders, ...extraFolders];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
