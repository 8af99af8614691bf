import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { BloomError, type AppConfig } from "@bloomery/contract";

/** Throws ERR_SYSTEM_PACKAGE_MISSING when the app is one for the host and the host is not there. */
export async function assertPreforkHost(
  { prefork }: Pick<AppConfig, "prefork">,
  path: string,
): Promise<void> {
  if (prefork === null) return;
  try {
    await access(path, constants.X_OK);
  } catch (cause) {
    throw new BloomError("ERR_SYSTEM_PACKAGE_MISSING", `no program to run prefork apps with: ${path}`, {
      hint: "In a checkout `npm start` builds it; BLOOM_PREFORK names another one.",
      cause,
    });
  }
}
