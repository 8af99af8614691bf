import { isDeepStrictEqual } from "node:util";
import type { TemplateFlavor, TemplatePlan } from "./plan-template.js";

/** A template on disk. */
export interface Template {
  readonly key: string;
  readonly flavor: TemplateFlavor;
  /** `name version checksum`, sorted. */
  readonly packages: readonly string[];
}

/** Below this share of an app's packages, a template of its own is worth its time. */
const worthwhile = 0.5;

/**
 * Chooses a template for an app that has none yet. All packages of a template must be in the app's own lockfile:
 * then no code took part in it that the app has not chosen itself. Null: one has to be made.
 */
export function chooseTemplate(plan: TemplatePlan, templates: readonly Template[]): Template | null {
  const same = templates.find((template) => template.key === plan.key);
  if (same !== undefined) return same;
  if (plan.isExact === true) return null;
  const own = new Set(plan.packages);
  const usable = templates.filter(
    (template) =>
      isDeepStrictEqual(template.flavor, plan.flavor) &&
      template.packages.every((one) => own.has(one)) &&
      template.packages.length >= own.size * worthwhile,
  );
  return (
    usable.toSorted((a, b) => b.packages.length - a.packages.length || (a.key < b.key ? -1 : 1))[0] ?? null
  );
}

/** True when what an app has compiled upon this template is still of use to it. */
export function isStillFitting(template: Template, plan: TemplatePlan): boolean {
  // Its packages no longer matter: they had a say in this app's earlier builds already.
  return isDeepStrictEqual(template.flavor, plan.flavor);
}
