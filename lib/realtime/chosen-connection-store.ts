import type { Backend } from "../backend.ts";
import type { ConnectionStore } from "../connections/connection-store.ts";
import type { RealtimeConfig } from "./realtime-options.ts";

/** The app's, or one of the backend's whose data is gone with the connection, or if its heartbeats stop. */
export function chosenConnectionStore(
  { connectionStore: given, inactivityThresholdSeconds }: RealtimeConfig,
  backend: Backend,
): ConnectionStore {
  if (typeof given === "function") return given(backend);
  return (
    given ??
    backend.connectionStore({
      ttlSeconds: Math.ceil(2 * inactivityThresholdSeconds),
      nameOf: ({ id }) => `connection:${id}`,
    })
  );
}
