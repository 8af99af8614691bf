/** What a build without a daemon needs. */
export { openProjectFolder } from "../../config/project-files.js";
export { openSdk } from "../function/sdk.js";
export { removeTree } from "../remove-tree.js";
export { compileLocally } from "./compile-locally.js";
export { planCrates } from "./plan-crates.js";
export { placeInIni } from "./ask-host.js";
export { explainOutside } from "./plan-libraries.js";
export { planLocal, type LocalLibrary } from "./plan-local.js";
export { rustcFolder } from "./plan-rustc.js";
export { preforkSdk } from "./sdk.js";
