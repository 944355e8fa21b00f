import type { WebSocket } from "ws";
import type { SessionView } from "./sessions.ts";

/** The open connections of each session, one for each tab, so that a change made in one shows in all. Of this process only. */
export class Tabs {
  readonly #bySession = new Map<string, Set<WebSocket>>();

  /** Adds a connection until it closes. */
  add(sid: string, ws: WebSocket): void {
    const tabs = this.#bySession.get(sid) ?? new Set();
    this.#bySession.set(sid, tabs.add(ws));
    ws.on("close", () => {
      tabs.delete(ws);
      if (tabs.size === 0) this.#bySession.delete(sid);
    });
  }

  /** Shows the session to every tab that has it open. */
  show(sid: string, view: SessionView): void {
    for (const ws of this.#bySession.get(sid) ?? []) sendEvent(ws, "session.state", view);
  }
}

/** Sends an event as the page reads it. */
export function sendEvent(ws: WebSocket, type: string, data: object): void {
  ws.send(JSON.stringify({ event_type: type, data }));
}
