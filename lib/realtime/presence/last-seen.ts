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

  /** `lost` is called with connections that the registry no longer has. This node may have missed other changes too. */
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

  /** Plans the first write for a connection. The registry has its arrival already. */
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
    // This comes after the write, so that a failed write is repeated.
    for (const [at, connection] of due.entries())
      connection.writeAt = (seen[at] as number) + this.#betweenWritesMs;
    await this.#lost(lost);
  }
}
