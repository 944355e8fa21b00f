import type { CipherKey } from "node:crypto";
import { createHmac, KeyObject, timingSafeEqual } from "node:crypto";

/**
 * A value with its signature, as cookie-signature writes it and express-session reads it.
 * It consists of the value, a dot, and the value's HMAC-SHA256 in base64 without padding.
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

/** The prefix that tells a signed value in a cookie from a plain one. */
export const SIGNED = "s:";

function signature(value: string, secret: CipherKey): string {
  return createHmac("sha256", secret).update(value).digest("base64").replace(/=+$/, "");
}

/** Number of signatures that are remembered. Beyond it the oldest is forgotten, and must be checked once more. */
const REMEMBERED = 10_000;

/** A secret as it was when it was used. Bytes are copied, because the app can change them. */
type SecretUsed = string | KeyObject | Buffer;

interface Signed {
  readonly value: string;
  readonly signed: string;
  readonly by: SecretUsed;
}

/**
 * Signs and checks each value only once. A client sends the same value with every request, and may be sent it with
 * every response. An HMAC costs more than the rest of this work.
 */
export class SignatureCache {
  readonly #bySigned = new Map<string, Signed>();
  readonly #byValue = new Map<string, Signed>();
  readonly #copies = new WeakMap<object, Buffer>();

  /** Signs like {@link signValue}. */
  sign(value: string, secret: CipherKey): string {
    const known = this.#byValue.get(value);
    const by = this.#used(secret);
    if (known?.by === by) return known.signed;
    const signed = signValue(value, secret);
    this.#remember({ value, signed, by });
    return signed;
  }

  /**
   * Checks like {@link unsignValue}. Only a correctly signed value is remembered, together with the secret that signed
   * it. The value is no longer accepted once that secret is missing in `secrets`, for whatever reason.
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
    // An entry whose secret is gone keeps its place in the map, because its age is unchanged.
    this.#bySigned.set(entry.signed, entry);
    this.#byValue.set(entry.value, entry);
    if (this.#bySigned.size <= REMEMBERED) return;
    const [oldest] = this.#bySigned.values();
    if (!oldest) return;
    this.#bySigned.delete(oldest.signed);
    if (this.#byValue.get(oldest.value) === oldest) this.#byValue.delete(oldest.value);
  }
}
