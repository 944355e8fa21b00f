import type { Backend } from "../../backend/backend.ts";
import { type ConnectionStore, isConnectionStore } from "../../connections/connection-store.ts";
import { wrongOption } from "../../options/options-check.ts";
import type { RealtimeConfig } from "../realtime-options.ts";

/** Seconds that any store can count to: decades, as good as for ever. */
const MAX_TTL_SECONDS = 2 ** 31;

/** The app's, or one of the backend's whose data is gone with the connection, or if its heartbeats stop. */
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
