import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { ChatStore } from "./store/chat-store.ts";

/** Somebody who can sign in. */
export interface User {
  readonly id: string;
  readonly name: string;
}

/** Whom the sign-in page names. */
const DEMO_USERS = [
  { id: "ada", name: "Ada", password: "analytical engine" },
  { id: "grace", name: "Grace", password: "first compiler" },
] as const;

const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** As the OWASP Password Storage Cheat Sheet has it for 16 MiB. */
const SCRYPT = { N: 2 ** 14, r: 8, p: 5 } as const;

/** The demo users and their passwords. */
export class Users {
  readonly #store: ChatStore;
  readonly #byId: ReadonlyMap<string, User> = new Map(DEMO_USERS.map(({ id, name }) => [id, { id, name }]));
  /** Whose password nobody has: what is compared with where there is no user. */
  readonly #nobody = encoded(randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));

  private constructor(store: ChatStore) {
    this.#store = store;
  }

  /** Gives the demo users their passwords, unless the store has one of them. */
  static async in(store: ChatStore): Promise<Users> {
    for (const { id, password } of DEMO_USERS) await store.setPassword(id, await hashed(password), undefined);
    return new Users(store);
  }

  find(id: string | undefined): User | undefined {
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** The user and the hash, if this is the password. Takes as long for a user that there is not. */
  async authenticate(id: string, password: string): Promise<{ user: User; hash: string } | undefined> {
    const user = this.find(id);
    const hash = (user && (await this.#store.password(id))) ?? this.#nobody;
    const isRight = await isPassword(password, hash);
    return user && isRight ? { user, hash } : undefined;
  }

  /** Whether the user's password is still the one that the user was authenticated by. */
  async isCurrent({ user, hash }: { user: User; hash: string }): Promise<boolean> {
    return (await this.#store.password(user.id)) === hash;
  }

  /** Changes a password. Resolves to `false`, with nothing changed, if `current` is wrong. */
  async changePassword({ id }: User, current: string, next: string): Promise<boolean> {
    const found = await this.authenticate(id, current);
    // Another change may come first, on any node: the store compares once more.
    return found !== undefined && this.#store.setPassword(id, await hashed(next), found.hash);
  }
}

async function hashed(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return encoded(salt, await hashOf(password, salt));
}

async function isPassword(password: string, encodedHash: string): Promise<boolean> {
  const [salt, hash] = encodedHash.split(".").map((part) => Buffer.from(part, "base64url")) as [
    Buffer,
    Buffer,
  ];
  return timingSafeEqual(await hashOf(password, salt), hash);
}

function encoded(salt: Buffer, hash: Buffer): string {
  return `${salt.toString("base64url")}.${hash.toString("base64url")}`;
}

function hashOf(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Keyboards differ in how they put an "é" together.
    scrypt(password.normalize("NFKC"), salt, HASH_BYTES, SCRYPT, (error, hash) => {
      if (error) reject(error);
      else resolve(hash);
    });
  });
}
