import type { AppConfig } from "@bloomery/contract";
import type { Store } from "../../store/open-store.js";
import { planFunctionConfig } from "./plan-function-config.js";

/** A function's config with what was said to the platform about its app; from now on the app is known as a function. */
export async function withSettings(store: Store, appId: string, config: AppConfig): Promise<AppConfig> {
  if (config.function === null) return config;
  const { settings } = await store.functions.ensure(appId);
  return planFunctionConfig(config, settings);
}
