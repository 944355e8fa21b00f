import type { Events } from "./messages/events.ts";
import { INTERNAL_ERROR } from "./messages/inbox.ts";
import type { RealtimeConnection } from "./realtime-connection.ts";
import type { RealtimeConfig } from "./realtime-options.ts";

/** The parts of the hub that telling needs. */
interface TellingParts {
  readonly config: RealtimeConfig;
  readonly events: Events;
  /** Tells that the connection has closed, if it has. */
  tellClosed(connection: RealtimeConnection): void;
}

/**
 * Calls the listeners of `connect`. Resolves to whether they ended in time. If they did not, the connection is closed: its
 * events would wait for ever.
 */
export async function tellOpened(
  connection: RealtimeConnection,
  { config: { clock, handlerTimeoutMs }, events, tellClosed }: TellingParts,
): Promise<boolean> {
  let isLate = false;
  const cancel = clock.after(handlerTimeoutMs, () => {
    isLate = true;
    connection.isTold = true;
    const failure = new Error(`A listener of "connect" did not end within ${handlerTimeoutMs} ms.`);
    events.errors.report(failure, connection);
    connection.close(INTERNAL_ERROR, "internal_error");
    tellClosed(connection);
  });
  await events.tell("connect", connection);
  cancel();
  connection.isTold = true;
  return !isLate;
}
