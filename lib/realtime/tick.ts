import type { Clock } from "../clock.ts";
import type { ConnectionStore } from "../connections/connection-store.ts";
import type { Registry } from "../connections/registry.ts";
import { inBatches } from "../in-batches.ts";
import type { CatchUp } from "./catch-up.ts";
import type { Channels } from "./channels.ts";
import type { RealtimeConnection } from "./connection.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { KeepAlive } from "./keep-alive.ts";
import type { Presence } from "./presence.ts";

/** How exactly times are kept, and how often what was heard is written. */
export const TICK_MS = 1000;

/** What a tick looks after. */
export interface TickParts {
  readonly connections: ReadonlyMap<string, RealtimeConnection>;
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
  readonly keepAlive: KeepAlive;
  readonly presence: Presence;
  readonly channels: Channels<RealtimeConnection>;
  readonly catchUp: CatchUp;
  readonly registry: Registry;
  readonly store: ConnectionStore;
  report(error: unknown): void;
}

/** What is done once a second for all connections of the node, in one round trip however many there are. */
export class Tick {
  readonly #parts: TickParts;
  #isRunning = false;
  #isFailing = false;

  constructor(parts: TickParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { connections, heartbeat, keepAlive, presence, channels, store, report } = this.#parts;
    heartbeat.look(connections.values());
    channels.tick();
    // The backend is slow: what was heard meanwhile is written with the next tick.
    if (this.#isRunning) return;
    this.#isRunning = true;
    const heard = heartbeat.takeHeard();
    const beating = heard.filter(({ keepsAlive }) => keepsAlive);
    // Before anything is waited for: what is heard meanwhile counts for the next tick.
    for (const connection of beating) connection.keepsAlive = false;
    // All at once, so that it leaves as one write.
    const results = await Promise.allSettled([
      this.#tell(heard),
      presence.tick(),
      keepAlive.refresh(beating),
      inBatches(
        heard.filter(({ hasData }) => hasData),
        (connection) => store.refresh(connection),
      ),
    ]);
    const failure = results.find((result) => result.status === "rejected");
    // Once, not with each tick for as long as the backend is down.
    if (failure && !this.#isFailing) report(failure.reason);
    this.#isFailing = failure !== undefined;
    this.#isRunning = false;
  }

  /** Writes when users were last heard. Of whom the registry knows no more, others may not have told this node what has changed. */
  async #tell(heard: readonly RealtimeConnection[]): Promise<void> {
    const { clock, registry, catchUp } = this.#parts;
    const now = clock.now();
    const sightings = heard.flatMap(({ record, lastSeen }) =>
      record ? [{ record, agoMs: now - lastSeen }] : [],
    );
    await catchUp.lookUpAgain(await registry.saw(sightings));
  }
}
