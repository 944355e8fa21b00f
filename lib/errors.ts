/** The codes of a {@link SessionStackError}. Each code has one meaning and one remedy. */
export type SessionStackErrorCode =
  | "ERR_GROUP_FORBIDDEN"
  | "ERR_KEY_TAKEN"
  | "ERR_MEMORY_FULL"
  | "ERR_SESSION_DELETED"
  | "ERR_SESSION_NOT_CARRIED"
  | "ERR_SESSION_UNREADABLE"
  | "ERR_STORE_UNAVAILABLE"
  | "ERR_TOO_MANY_GROUPS";

const STATUS: Readonly<Record<SessionStackErrorCode, number>> = Object.freeze({
  ERR_GROUP_FORBIDDEN: 403,
  ERR_KEY_TAKEN: 503,
  ERR_MEMORY_FULL: 503,
  ERR_SESSION_DELETED: 401,
  ERR_SESSION_NOT_CARRIED: 500,
  ERR_SESSION_UNREADABLE: 500,
  ERR_STORE_UNAVAILABLE: 503,
  ERR_TOO_MANY_GROUPS: 429,
});

/**
 * An error at run time. `code` is for programs, `message` says what to do, and `cause` is the underlying error.
 *
 * Express's error handling reads `status` and `headers`, so an unhandled `ERR_STORE_UNAVAILABLE` is answered with 503
 * and Retry-After. The error never holds session contents or secrets.
 */
export class SessionStackError extends Error {
  /** Always this class's name. */
  override readonly name = "SessionStackError";
  /** The kind of failure, for programs. */
  readonly code: SessionStackErrorCode;
  /** The HTTP status that fits. */
  readonly status: number;
  /** Response headers that fit, for Express's final handler. */
  readonly headers?: Readonly<Record<string, string>>;

  constructor(code: SessionStackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = STATUS[code];
    if (this.status === 503) this.headers = { "Retry-After": "1" };
  }
}

/** Creates the error of a save, reload or handshake that finds its session gone. */
export function sessionDeleted(): SessionStackError {
  return new SessionStackError(
    "ERR_SESSION_DELETED",
    "The session has ended (logged out, deleted or expired) and was not written back; have the user log in again.",
  );
}

/** Creates the error of a backend that finds another program's key in the place of its own. */
export function keyTaken(cause: unknown): SessionStackError {
  return new SessionStackError(
    "ERR_KEY_TAKEN",
    "Another program has data under a key of this backend; give redisBackend a `prefix` that no other program's keys begin with.",
    { cause },
  );
}

/**
 * Returns the code of an error of this class, even one from another copy of the package in this process; `undefined`
 * for any other value.
 */
export function codeOf(error: unknown): SessionStackErrorCode | undefined {
  try {
    const { name, code } = Object(error) as Partial<SessionStackError>;
    return name === "SessionStackError" && code !== undefined && Object.hasOwn(STATUS, code)
      ? code
      : undefined;
  } catch {
    // Any value can be thrown, even one whose members cannot be read.
    return undefined;
  }
}

/** Whether an error says that a key belongs to another program. */
export function isKeyTaken(error: unknown): boolean {
  return codeOf(error) === "ERR_KEY_TAKEN";
}

/** Whether an error says that the session has ended. */
export function isSessionDeleted(error: unknown): boolean {
  return codeOf(error) === "ERR_SESSION_DELETED";
}

/** Whether an error says that the stored data is no session. */
export function isSessionUnreadable(error: unknown): boolean {
  return codeOf(error) === "ERR_SESSION_UNREADABLE";
}
