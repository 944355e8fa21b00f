import { SessionStackError } from "../../errors.ts";

/** Why no cookie can bring the id of a new session to its client. */
export type Obstacle = "head sent" | "insecure";

const REASONS: Readonly<Record<Obstacle, string>> = Object.freeze({
  "head sent":
    "its cookie can only be sent before the response's head, on a WebSocket in authorize; save it there or in an HTTP route",
  insecure:
    "its cookie is secure and the connection is not; use TLS, or behind a proxy that does, set " +
    'app.set("trust proxy", …) or the option proxy: true; or let the connection decide by cookie.secure: "auto"',
});

/** The error for a new session that is not stored because no client could return to it. */
export function notCarried(obstacle: Obstacle): SessionStackError {
  return new SessionStackError(
    "ERR_SESSION_NOT_CARRIED",
    `A new session was not stored: ${REASONS[obstacle]}.`,
  );
}
