import type { CipherKey } from "node:crypto";
import { createHmac, KeyObject, timingSafeEqual } from "node:crypto";

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

/** A secret as it was when it was used: bytes as a copy, since whoever gave them can change them. */
type SecretUsed = string | KeyObject | Buffer;

interface Signed {
  readonly value: string;
  readonly signed: string;
  readonly by: SecretUsed;
}

/**
 * Signs values and checks them, each once: a client sends the same with every request, and may be sent it with every
 * response, and an HMAC costs more than all else of it.
 */
export class SignatureCache {
  readonly #bySigned = new Map<string, Signed>();
  readonly #byValue = new Map<string, Signed>();
  readonly #copies = new WeakMap<object, Buffer>();

  /** As {@link signValue}. */
  sign(value: string, secret: CipherKey): string {
    const known = this.#byValue.get(value);
    const by = this.#used(secret);
    if (known?.by === by) return known.signed;
    const signed = signValue(value, secret);
    this.#remember({ value, signed, by });
    return signed;
  }

  /**
   * As {@link unsignValue}. Only what was found to be signed is remembered, with the secret that has signed it: it is
   * known no longer than that is among the secrets, whoever takes it out of their list, and however.
   */
  unsign(signed: string, secrets: readonly CipherKey[]): string | undefined {
    const known = this.#bySigned.get(signed);
    if (known !== undefined && secrets.some((secret) => this.#used(secret) === known.by)) return known.value;
    for (const secret of secrets) {
      const value = unsignValue(signed, [secret]);
      if (value === undefined) continue;
      this.#remember({ value, signed, by: this.#used(secret) });
      return value;
    }
    return undefined;
  }

  #used(secret: CipherKey): SecretUsed {
    if (typeof secret === "string" || secret instanceof KeyObject) return secret;
    const bytes = ArrayBuffer.isView(secret)
      ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
      : Buffer.from(secret);
    const copy = this.#copies.get(secret);
    if (copy?.equals(bytes)) return copy;
    const fresh = Buffer.from(bytes);
    this.#copies.set(secret, fresh);
    return fresh;
  }

  #remember(entry: Signed): void {
    // One that is known by a secret which is gone keeps its place: it is as old as it was.
    this.#bySigned.set(entry.signed, entry);
    this.#byValue.set(entry.value, entry);
    if (this.#bySigned.size <= REMEMBERED) return;
    const [oldest] = this.#bySigned.values();
    if (!oldest) return;
    this.#bySigned.delete(oldest.signed);
    if (this.#byValue.get(oldest.value) === oldest) this.#byValue.delete(oldest.value);
  }
}
