import type { Migration } from "kysely";
import type { StoreKind } from "../store-kind.js";
import { createGround } from "./0001-ground.js";
import { createWebShape } from "./0002-web-shape.js";
import { createFunctions } from "./0003-functions.js";
import { createDueTimes } from "./0004-due-times.js";
import { createFoundPorts } from "./0005-found-ports.js";

/**
 * Every migration by name, in the order of the names. A released one is never edited: the next change is
 * the next file.
 */
export function createMigrations(kind: StoreKind): Record<string, Migration> {
  return {
    "0001-ground": createGround(kind),
    "0002-web-shape": createWebShape(),
    "0003-functions": createFunctions(kind),
    "0004-due-times": createDueTimes(),
    "0005-found-ports": createFoundPorts(),
  };
}
