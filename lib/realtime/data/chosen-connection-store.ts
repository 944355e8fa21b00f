import type { Backend } from "../../backend/backend.ts";
import { type ConnectionStore, isConnectionStore } from "../../connections/connection-store.ts";
import { wrongOption } from "../../options/options-check.ts";
import type { RealtimeConfig } from "../realtime-options.ts";

/** The longest time to live that any store supports, in seconds. It is decades, which is as good as forever. */
const MAX_TTL_SECONDS = 2 ** 31;

/**
 * Returns the app's connection store. Without one, returns a store of the backend. Its data is deleted when the
 * connection closes, and expires if the heartbeats stop.
 */
export function chosenConnectionStore(
  { connectionStore: given, inactivityThresholdSeconds }: RealtimeConfig,
  backend: Backend,
): ConnectionStore {
  if (typeof given === "function") {
    const made = given(backend);
    if (isConnectionStore(made)) return made;
    const expected =
      "a function that answers at once with a connection store, with get, set, delete and refresh";
    throw wrongOption("realtime", "connectionStore", { expected }, made);
  }
  return (
    given ??
    backend.connectionStore({
      ttlSeconds: Math.min(Math.ceil(2 * inactivityThresholdSeconds), MAX_TTL_SECONDS),
      nameOf: ({ id }) => `connection:${id}`,
    })
  );
}
