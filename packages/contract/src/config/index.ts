export * from "./app-config.js";
export * from "./complete.js";
export * from "./function.js";
export * from "./json.js";
export * from "./mounts.js";
export * from "./prefork.js";
export * from "./problem.js";
export * from "./web.js";
