import type { SessionConnections } from "../connections/session-connections.ts";
import type { SessionKeeper } from "../middleware/session-keeper.ts";
import { digestOf } from "../sessions/session-digest.ts";
import type { UserEvent } from "../users/login/user-events.ts";

/** A session that has become another user's, or nobody's, as nodes tell each other. */
interface SessionUser {
  /** The session's digest. */
  readonly session: string;
  readonly userId?: string | undefined;
}

const SESSION_USER = "session_user";

/**
 * Closes the connections of a session, on all nodes, when the session gets another user but keeps its id. Messages to a
 * user must not reach a browser that has logged out, and a connection is bound to a user once, at the handshake. The
 * returned function stops this.
 */
export function followUsers(
  { users, config: { node } }: SessionKeeper,
  connections: SessionConnections,
): () => void {
  const follow = ({ session, userId }: SessionUser) => {
    const sid = connections.sidOf(session);
    if (sid !== undefined) connections.endOthers(sid, userId);
  };
  const letGo = node.answer(SESSION_USER, (payload) => follow(payload as SessionUser));
  const tell = (change: SessionUser) => {
    follow(change);
    // Revalidation does not find a lost change of the user, unlike a lost end. An app that must be sure ends the session.
    node.tell(SESSION_USER, change).catch(() => {});
  };
  const onLogin = ({ sid, userId }: UserEvent) => tell({ session: digestOf(sid), userId });
  const onLogout = ({ sid }: UserEvent) => tell({ session: digestOf(sid) });
  users.on("user_logged_in", onLogin);
  users.on("user_logged_out", onLogout);
  return () => {
    letGo();
    users.off("user_logged_in", onLogin);
    users.off("user_logged_out", onLogout);
  };
}
