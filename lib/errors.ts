/** What a {@link SessionStackError} can say; each code has one meaning and one remedy. */
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
 * What fails at run time: `code` is for programs, `message` says what to do, `cause` is what was underneath.
 *
 * `status` and `headers` are what Express's error handling reads, so that an unhandled
 * `ERR_STORE_UNAVAILABLE` answers 503 with Retry-After. It never holds session contents or secrets.
 */
export class SessionStackError extends Error {
  /** Always this class's name. */
  override readonly name = "SessionStackError";
  /** What went wrong, for programs. */
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

/** The error of a save, reload or handshake that finds its session gone. */
export function sessionDeleted(): SessionStackError {
  return new SessionStackError(
    "ERR_SESSION_DELETED",
    "The session has ended (logged out, deleted or expired) and was not written back; have the user log in again.",
  );
}

/** The error of a backend that finds a key of another program's where its own would be. */
export function keyTaken(cause: unknown): SessionStackError {
  return new SessionStackError(
    "ERR_KEY_TAKEN",
    "Another program keeps something else where this backend keeps its own; give redisBackend a `prefix` that no other program's keys begin with.",
    { cause },
  );
}

/** The code of an error of this class, also of another copy of the package in this process; `undefined` for any other. */
export function codeOf(error: unknown): SessionStackErrorCode | undefined {
  try {
    const { name, code } = Object(error) as Partial<SessionStackError>;
    return name === "SessionStackError" && code !== undefined && Object.hasOwn(STATUS, code)
      ? code
      : undefined;
  } catch {
    // Anything can be thrown, also what cannot be looked at.
    return undefined;
  }
}

/** Whether an error says that a key is another program's. */
export function isKeyTaken(error: unknown): boolean {
  return codeOf(error) === "ERR_KEY_TAKEN";
}

/** Whether an error says that the session has ended. */
export function isSessionDeleted(error: unknown): boolean {
  return codeOf(error) === "ERR_SESSION_DELETED";
}

/** Whether an error says that what is stored is no session. */
export function isSessionUnreadable(error: unknown): boolean {
  return codeOf(error) === "ERR_SESSION_UNREADABLE";
}
