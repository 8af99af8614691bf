import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { findProgram } from "../lib/find-program.mjs";
import { StepError } from "../lib/steps.mjs";

const wantedNode = [20, 19];

/** Node is new enough and cargo is there; both are the user's own to install. */
export function ensureToolchains() {
  if (!isNewEnough(process.versions.node)) {
    throw new StepError(`Node ${process.versions.node} is too old.`, {
      hint: `Bloomery needs Node ${wantedNode.join(".")} or newer: https://nodejs.org/en/download`,
    });
  }
  const rustup = join(process.env["CARGO_HOME"] || join(homedir(), ".cargo"), "bin");
  if (findProgram("cargo", [rustup]) === undefined) {
    throw new StepError("cargo is not installed.", {
      hint: "Install Rust from https://rustup.rs (or your distribution's packages) and run this again.",
    });
  }
  // rustup's folder is on the PATH of login shells only; what we start should find cargo in any shell.
  if (findProgram("cargo") === undefined) process.env["PATH"] += `${delimiter}${rustup}`;
  return `Node ${process.versions.node}, cargo`;
}

/** Compares "20.19.3" with the oldest release that works. */
export function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > wantedNode[0] || (major === wantedNode[0] && minor >= wantedNode[1]);
}
