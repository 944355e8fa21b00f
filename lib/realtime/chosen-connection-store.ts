import type { Backend } from "../backend.ts";
import type { ConnectionStore } from "../connections/connection-store.ts";
import type { RealtimeConfig } from "./realtime-options.ts";

/** Seconds that any store can count to: decades, as good as for ever. */
const MAX_TTL_SECONDS = 2 ** 31;

/** The app's, or one of the backend's whose data is gone with the connection, or if its heartbeats stop. */
export function chosenConnectionStore(
  { connectionStore: given, inactivityThresholdSeconds }: RealtimeConfig,
  backend: Backend,
): ConnectionStore {
  if (typeof given === "function") return given(backend);
  return (
    given ??
    backend.connectionStore({
      ttlSeconds: Math.min(Math.ceil(2 * inactivityThresholdSeconds), MAX_TTL_SECONDS),
      nameOf: ({ id }) => `connection:${id}`,
    })
  );
}
