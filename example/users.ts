import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** Somebody who can sign in. */
export interface User {
  readonly id: string;
  readonly name: string;
  /** Grows with each change of the password. */
  readonly passwordVersion: number;
}

interface HashedPassword {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

interface UserRecord {
  readonly user: User;
  readonly password: HashedPassword;
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

/** The users and their passwords, in this process's memory: a restart brings the demo passwords back. */
export class Users {
  readonly #records = new Map<string, UserRecord>();
  /** Whose password nobody has: what is compared with where there is no user. */
  readonly #nobody: HashedPassword = { salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };

  static async withDemoUsers(): Promise<Users> {
    const users = new Users();
    for (const { id, name, password } of DEMO_USERS) {
      users.#records.set(id, { user: { id, name, passwordVersion: 1 }, password: await hashed(password) });
    }
    return users;
  }

  find(id: string | undefined): User | undefined {
    return id === undefined ? undefined : this.#records.get(id)?.user;
  }

  /** The user, if this is the password. Takes as long for a user that there is not. */
  async authenticate(id: string, password: string): Promise<User | undefined> {
    const record = this.#records.get(id);
    const isRight = await isPassword(password, record?.password ?? this.#nobody);
    return isRight ? record?.user : undefined;
  }

  /** Whether the user's password is still the one that the user was authenticated by. */
  isCurrent({ id, passwordVersion }: User): boolean {
    return this.find(id)?.passwordVersion === passwordVersion;
  }

  /** Changes a password. Resolves to `false`, with nothing changed, if `current` is wrong. */
  async changePassword({ id }: User, current: string, next: string): Promise<boolean> {
    const user = await this.authenticate(id, current);
    if (!user) return false;
    const password = await hashed(next);
    // Another change may have come first.
    if (!this.isCurrent(user)) return false;
    this.#records.set(id, { user: { ...user, passwordVersion: user.passwordVersion + 1 }, password });
    return true;
  }
}

async function hashed(password: string): Promise<HashedPassword> {
  const salt = randomBytes(SALT_BYTES);
  return { salt, hash: await hashOf(password, salt) };
}

async function isPassword(password: string, { salt, hash }: HashedPassword): Promise<boolean> {
  return timingSafeEqual(await hashOf(password, salt), hash);
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
