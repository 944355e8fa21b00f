/**
 * The close codes of connections. The range says what a client may do, as in centrifugal's `disconnect.go`: after
 * 4000–4499 it reconnects, after 4500–4999 it does not. The key is the reason that is sent with the code.
 */
export const closeCodes: Readonly<{
  /** Nothing was received from the user for as long as the inactivity threshold. */
  inactive: 4008;
  /**
   * The session got a new id (login, regenerate), or its guest became a user. The client reconnects with the new
   * cookie.
   */
  session_replaced: 4009;
  /** The client does not read the messages it is sent. */
  slow_consumer: 4013;
  /** The client sends faster than it may. */
  rate_limited: 4029;
  /** The session was destroyed or has expired, so the user is logged out. */
  session_ended: 4501;
  /** The user may not be connected. */
  forbidden: 4503;
}> = Object.freeze({
  inactive: 4008,
  session_replaced: 4009,
  slow_consumer: 4013,
  rate_limited: 4029,
  session_ended: 4501,
  forbidden: 4503,
});

/** The reason of a close, as sent beside its code. */
export type CloseReason = keyof typeof closeCodes;
