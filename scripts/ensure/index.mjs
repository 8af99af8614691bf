import { runStep } from "../lib/steps.mjs";
import { ensureCrates } from "./crates.mjs";
import { ensureNativeModules } from "./native-modules.mjs";
import { ensureNodePackages } from "./node-packages.mjs";
import { ensureSystemPackages, programs } from "./system-packages.mjs";
import { ensureToolchains } from "./toolchains.mjs";
import { ensureTypeScript } from "./typescript.mjs";

/**
 * Makes the checkout and the machine ready; each part takes milliseconds when there is nothing to do.
 * `purpose`: "start" for running the platform, "test" and "bench" add what those need.
 */
export async function ensureReady(purpose) {
  const wanted = [...programs.start, ...(purpose === "start" ? [] : programs.test)];
  if (purpose === "bench") wanted.push(...programs.bench);
  await runStep("toolchains", ensureToolchains);
  await runStep("system packages", (say) => ensureSystemPackages(wanted, say));
  await runStep("npm packages", ensureNodePackages);
  // Compiling SQLite keeps one core busy, so the Rust programs are built beside it. Both are waited for
  // even when one fails: what the other made is kept for the next try.
  const endings = await Promise.allSettled([
    runStep("native modules", ensureNativeModules),
    runStep("Rust programs", ensureCrates).then(() => runStep("TypeScript", ensureTypeScript)),
  ]);
  const failed = endings.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
