import type { ConnectionRecord, Registry } from "../../connections/registry.ts";
import type { Clock } from "../../time/clock.ts";
import type { RealtimeConnection } from "../realtime-connection.ts";
import { betweenWritesMs } from "../times.ts";

/** Writes to the registry when connections were last heard. */
export class LastSeen {
  readonly #clock: Clock;
  readonly #registry: Registry;
  readonly #betweenWritesMs: number;
  readonly #lost: (records: readonly ConnectionRecord[]) => Promise<void>;

  /** `lost` is called with the connections that the registry does not know any more: this node may have missed other changes, too. */
  constructor(
    config: { readonly clock: Clock; readonly inactivityThresholdSeconds: number },
    registry: Registry,
    lost: (records: readonly ConnectionRecord[]) => Promise<void>,
  ) {
    this.#clock = config.clock;
    this.#registry = registry;
    this.#betweenWritesMs = betweenWritesMs(config);
    this.#lost = lost;
  }

  /** Begins to write when a connection is heard. Its arrival is written already. */
  begin(connection: RealtimeConnection): void {
    connection.writeAt = connection.connectedAt + this.#betweenWritesMs;
  }

  /** Writes the sightings that are due. */
  async write(heard: readonly RealtimeConnection[]): Promise<void> {
    const due = heard.filter(({ lastSeen, writeAt }) => lastSeen >= writeAt);
    const now = this.#clock.now();
    const seen = due.map(({ lastSeen }) => lastSeen);
    const sightings = due.flatMap(({ record, lastSeen }) =>
      record ? [{ record, agoMs: now - lastSeen }] : [],
    );
    const lost = await this.#registry.saw(sightings);
    // Only now: what could not be written is tried again.
    for (const [at, connection] of due.entries())
      connection.writeAt = (seen[at] as number) + this.#betweenWritesMs;
    await this.#lost(lost);
  }
}
