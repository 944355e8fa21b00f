import type { Express, Request, Response } from "express";
import { type SessionStack, type WebSocketSessions, webSocketSessions } from "express-session-stack";
import type { RawData, WebSocket } from "ws";
import { viewOf } from "./sessions.ts";
import { sendEvent, type Tabs } from "./tabs.ts";
import type { Users } from "./users.ts";

/** What the WebSocket is made of. */
export interface LiveParts {
  sessionStack: SessionStack;
  app: Express;
  users: Users;
  tabs: Tabs;
}

/** The WebSocket of the page, at /ws, with the same `req.session` as the routes. */
export function makeLive({ sessionStack, app, users, tabs }: LiveParts): WebSocketSessions {
  const wsSessions = webSocketSessions(sessionStack, { path: "/ws", app, authorize });

  wsSessions.on("error", (error) => console.error(error));
  wsSessions.on("connection", (ws, req) => {
    tabs.add(req.sessionID, ws);
    // One after the other: two messages that count at the same time would both find the same number.
    let last = Promise.resolve();
    ws.on("message", (data) => {
      last = last.then(() => handle(ws, req, data));
      // What is returned may reject: the library then closes the connection, and reports what is no end of a session.
      return last;
    });
    sendEvent(ws, "session.state", viewOf(req.session, users));
  });

  async function handle(ws: WebSocket, req: Request, message: RawData): Promise<void> {
    if (eventTypeOf(message) !== "count.add") {
      sendEvent(ws, "error", { message: "Unknown event." });
      return;
    }
    if (users.find(req.session.login?.userId) === undefined) {
      sendEvent(ws, "error", { message: "Sign in first." });
      return;
    }
    // A connection lives long: others may have counted on since it loaded the session.
    await req.session.reload();
    req.session.webSocketCount = (req.session.webSocketCount ?? 0) + 1;
    // On a WebSocket nothing is saved unless asked.
    await req.session.save();
    tabs.show(req.sessionID, viewOf(req.session, users));
  }

  return wsSessions;
}

/**
 * Lets everybody in; the session says who has signed in.
 *
 * A visitor's first session can begin with the handshake: it is saved here, while cookies can still be
 * sent, and its cookie goes out in the 101 response, beside others that are set here. Without
 * `?remember=1` nothing is saved, so no cookie is sent. See README.md for what that looks like.
 */
async function authorize(req: Request, res: Response): Promise<boolean> {
  if (req.query.remember === "1" && req.session.firstVisit === undefined) {
    const now = new Date().toISOString();
    req.session.firstVisit = now;
    await req.session.save();
    res.cookie("last_visit", now, { httpOnly: true, sameSite: "lax" });
  }
  return true;
}

function eventTypeOf(message: RawData): unknown {
  try {
    return (Object(JSON.parse(message.toString())) as { event_type?: unknown }).event_type;
  } catch {
    return undefined;
  }
}
