import { inBatches } from "../calls/in-batches.ts";
import type { ConnectionStore } from "../connections/connection-store.ts";
import type { Registry } from "../connections/registry.ts";
import type { Clock } from "../time/clock.ts";
import type { CatchUp } from "./catch-up.ts";
import type { RealtimeConnection } from "./connection.ts";
import type { Channels } from "./delivery/channels.ts";
import type { KeepAlive } from "./keep-alive.ts";
import type { Heartbeat } from "./presence/heartbeat.ts";
import type { Presence } from "./presence/presence.ts";

/** How exactly times are kept. */
export const TICK_MS = 1000;

/** However long users may be silent, the registry is told of who is heard, and says whom it has lost. */
const MAX_BETWEEN_WRITES_MS = 60_000;

/** Milliseconds between two writes of when a connection was heard: a quarter of the time after which it is closed. */
export function betweenWritesMs(thresholdMs: number): number {
  return Math.min(thresholdMs / 4, MAX_BETWEEN_WRITES_MS);
}

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
  readonly betweenWritesMs: number;
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
    const due = heard.filter(({ lastSeen, writeAt }) => lastSeen >= writeAt);
    // All at once, so that it leaves as one write.
    const results = await Promise.allSettled([
      this.#tell(due),
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
  async #tell(due: readonly RealtimeConnection[]): Promise<void> {
    const { clock, registry, catchUp, betweenWritesMs } = this.#parts;
    const now = clock.now();
    const seen = due.map(({ lastSeen }) => lastSeen);
    const sightings = due.flatMap(({ record, lastSeen }) =>
      record ? [{ record, agoMs: now - lastSeen }] : [],
    );
    const lost = await registry.saw(sightings);
    // Only now: what could not be written is tried again.
    for (const [at, connection] of due.entries()) connection.writeAt = (seen[at] as number) + betweenWritesMs;
    await catchUp.lookUpAgain(lost);
  }
}
