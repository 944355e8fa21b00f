import type { CipherKey } from "node:crypto";
import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * A value with its signature, as cookie-signature writes it and express-session reads it:
 * the value, a dot, and its HMAC-SHA256 in base64 without padding.
 */
export function signValue(value: string, secret: CipherKey): string {
  return `${value}.${signature(value, secret)}`;
}

/** The value that was signed with one of the secrets, or `undefined` if none fits. */
export function unsignValue(signed: string, secrets: readonly CipherKey[]): string | undefined {
  const dot = signed.lastIndexOf(".");
  if (dot < 0) return undefined;
  const value = signed.slice(0, dot);
  const given = Buffer.from(signed.slice(dot + 1));
  for (const secret of secrets) {
    const expected = Buffer.from(signature(value, secret));
    if (expected.length === given.length && timingSafeEqual(expected, given)) return value;
  }
  return undefined;
}

/** What stands before a signed value in a cookie, so that it is told from a plain one. */
export const SIGNED = "s:";

function signature(value: string, secret: CipherKey): string {
  return createHmac("sha256", secret).update(value).digest("base64").replace(/=+$/, "");
}

/** Signed values whose signature is remembered; beyond it the oldest is forgotten, and checked once more. */
const REMEMBERED = 10_000;

/** Checks signed values, each once: a client sends the same with every request, and an HMAC costs more than all else of it. */
export class SignatureCache {
  readonly #values = new Map<string, string>();
  #secrets: readonly CipherKey[] = [];

  /** As {@link unsignValue}; only what was found to be signed is remembered, for as long as the secrets are the same. */
  unsign(signed: string, secrets: readonly CipherKey[]): string | undefined {
    if (secrets !== this.#secrets) {
      this.#values.clear();
      this.#secrets = secrets;
    }
    const known = this.#values.get(signed);
    if (known !== undefined) return known;
    const value = unsignValue(signed, secrets);
    if (value !== undefined) this.#remember(signed, value);
    return value;
  }

  #remember(signed: string, value: string): void {
    this.#values.set(signed, value);
    if (this.#values.size <= REMEMBERED) return;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
  }
}
