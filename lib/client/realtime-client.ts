import type { EventMap } from "../realtime/messages/event-map.ts";
import type { RealtimeClient } from "./client-contract.ts";
import { clientConfig, type RealtimeClientOptions } from "./client-options.ts";
import { ReconnectingClient } from "./reconnecting-client.ts";

/**
 * Connects to `realtime()`, and connects again whenever the connection is lost. It waits for a random time that grows
 * with each attempt. It connects at once when the tab becomes visible again or the network is back. It waits longer
 * when the server asks for it (4029, 1013). Close codes from 4500 to 4999 end the client.
 *
 * `ClientEvents` and `ServerEvents` are those of the server's `realtime<ClientEvents, ServerEvents>()`. `Answers` is
 * for `request`: it maps the type of an event to the type of the answer's data.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function realtimeClient<
  ClientEvents extends EventMap<ClientEvents> = EventMap,
  ServerEvents extends EventMap<ServerEvents> = EventMap,
  Answers extends object = object,
>(options: RealtimeClientOptions): RealtimeClient<ClientEvents, ServerEvents, Answers> {
  const client: RealtimeClient = new ReconnectingClient(clientConfig(options));
  // The class does not know the app's events. Only the types know them.
  return client as unknown as RealtimeClient<ClientEvents, ServerEvents, Answers>;
}
