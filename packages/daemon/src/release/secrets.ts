import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { BloomError } from "@bloomery/contract";

/** Seals texts before they reach the database, and opens them again. */
export interface Secrets {
  /** AES-256-GCM with a fresh nonce: `v1.<base64 of nonce, tag, ciphertext>`. */
  seal(text: string): string;
  /** Throws ERR_SECRETS_LOST when the text was sealed with another key or was changed. */
  open(sealed: string): string;
}

/** Reads the key file, or makes one (32 random bytes, mode 0600). */
export async function openSecrets(keyFile: string): Promise<Secrets> {
  let key: Buffer;
  try {
    key = await readFile(keyFile);
  } catch {
    key = randomBytes(32);
    await writeFile(keyFile, key, { mode: 0o600, flag: "wx" });
  }
  if (key.length !== 32) {
    throw new BloomError("ERR_SECRETS_LOST", `${keyFile} must hold 32 bytes, but holds ${key.length}`, {
      hint: "Restore the file from a backup: without it the stored variables cannot be read.",
    });
  }
  return createSecrets(key);
}

/** What was sealed; null when it was sealed with another key. */
export function tryOpen(secrets: Pick<Secrets, "open">, sealed: string): string | null {
  try {
    return secrets.open(sealed);
  } catch (error) {
    if (error instanceof BloomError && error.code === "ERR_SECRETS_LOST") return null;
    throw error;
  }
}

function createSecrets(key: Buffer): Secrets {
  return Object.freeze({
    seal(text: string): string {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64")}`;
    },
    open(sealed: string): string {
      const bytes = Buffer.from(sealed.slice(3), "base64");
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
        decipher.setAuthTag(bytes.subarray(12, 28));
        return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new BloomError(
          "ERR_SECRETS_LOST",
          "a stored value cannot be opened with this daemon's secrets.key",
          { cause },
        );
      }
    },
  });
}
