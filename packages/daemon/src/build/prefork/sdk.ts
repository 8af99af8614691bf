import type { SdkKind } from "../function/sdk.js";

/** The crates that prefork apps are written with. */
export const preforkSdk: SdkKind = {
  folders: ["prefork-app", "prefork-macros"],
  lockfile: "prefork.lock",
  users: "prefork apps",
};
