import type { EventMap } from "../realtime/messages/event-map.ts";
import type { RealtimeClient } from "./client-contract.ts";
import { clientConfig, type RealtimeClientOptions } from "./client-options.ts";
import { ReconnectingClient } from "./reconnecting-client.ts";

/**
 * Connects to `realtime()`, and connects again whenever the connection is lost: after a random time that grows with each
 * attempt, at once when the tab is looked at again or the network is back, and later when the server asks for it (4029,
 * 1013). Close codes from 4500 to 4999 end it.
 *
 * `ClientEvents` and `ServerEvents` are those of the server's `realtime<ClientEvents, ServerEvents>()`; `Answers` has the
 * type of the answer's data by the type of the event, for `request`.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function realtimeClient<
  ClientEvents extends EventMap<ClientEvents> = EventMap,
  ServerEvents extends EventMap<ServerEvents> = EventMap,
  Answers extends object = object,
>(options: RealtimeClientOptions): RealtimeClient<ClientEvents, ServerEvents, Answers> {
  const client: RealtimeClient = new ReconnectingClient(clientConfig(options));
  // Of events it knows no more than that they are events: the rest is in the types.
  return client as unknown as RealtimeClient<ClientEvents, ServerEvents, Answers>;
}
