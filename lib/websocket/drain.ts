import type { SessionWebSocket } from "./session-web-socket.ts";

/** Service restart (IANA registry of close codes). The client is to reconnect, to another node. */
const SERVICE_RESTART = 1012;

/** Closes connections one by one, evenly over a window, and resolves when the last is closed. */
export async function drain(connections: Iterable<SessionWebSocket>, drainMs: number): Promise<void> {
  const leaving = [...connections];
  const closings = leaving.map(
    (ws, at) =>
      new Promise<void>((resolve) => {
        const close = () => ws.end(SERVICE_RESTART, "service_restart");
        const timer = setTimeout(close, (drainMs * at) / leaving.length);
        // This is no listener, because a throwing listener of the app would keep it from being called.
        ws.onceClosed(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  );
  await Promise.all(closings);
}
