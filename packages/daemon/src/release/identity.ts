import { randomBytes } from "node:crypto";
import type { Store } from "../store/open-store.js";
import { tryOpen, type Secrets } from "./secrets.js";

/** What an app is told of itself for as long as it exists. */
export interface Identity {
  /** 13 lowercase letters and digits. */
  readonly projectId: string;
  /** 56 random characters, for keys that must outlive every release. */
  readonly entropy: string;
}

/**
 * The app's identity, made when it is first asked for. Entropy that was sealed with a lost key is lost, too, and made
 * anew. Throws ERR_NOT_FOUND when the app is gone.
 */
export async function obtainIdentity(store: Store, secrets: Secrets, appId: string): Promise<Identity> {
  // Every start asks, and only the first one finds none.
  const known = await store.apps.getIdentity(appId);
  const entropy = known === undefined ? null : tryOpen(secrets, known.projectEntropy);
  if (known !== undefined && entropy !== null) return Object.freeze({ projectId: known.projectId, entropy });
  const fresh = { projectId: randomText(13), projectEntropy: secrets.seal(randomText(56)) };
  const { projectId, projectEntropy } = await store.apps.ensureIdentity(
    appId,
    fresh,
    (sealed) => tryOpen(secrets, sealed) !== null,
  );
  return Object.freeze({ projectId, entropy: secrets.open(projectEntropy) });
}

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** Base32: five bits of each random byte, so that no letter is likelier than another. */
function randomText(length: number): string {
  return [...randomBytes(length)].map((byte) => alphabet.charAt(byte & 31)).join("");
}
