import type { Bounds } from "../../calls/bounds.ts";
import { heardLate } from "../../calls/heard-late.ts";
import type { Running } from "../../calls/running.ts";
import { WorkQueue } from "../../calls/work-queue.ts";
import { type ConnectionRecord, nodeOf, type Registry } from "../../connections/registry.ts";
import type { Clock } from "../../time/clock.ts";
import type { Events } from "../messages/events.ts";

/** A connection on its way out. */
interface Departing {
  readonly record: ConnectionRecord;
  readonly graceMs: number;
  /** Whether `online` was told for this connection. */
  readonly wasTold: boolean;
  /** Whether the registry did not answer the last time, and whether it ever did not. */
  isStuck: boolean;
  isUnsure: boolean;
  /** Whether the outcome was told, if there was one to tell. */
  isSettled: boolean;
}

/** What departures need. */
export interface DeparturesParts {
  readonly registry: Registry;
  /** Answers at any time, for calls whose outcome counts although nobody waits any more. */
  readonly lastingRegistry: Registry;
  readonly upkeepBounds: Bounds;
  readonly clock: Clock;
  readonly events: Events;
}

/** Departures that run at a time. A node that loses all its connections has places left for its other calls. */
const AT_A_TIME = 1_000;

/** How exactly the end of `graceMs` is kept. */
const ASK_AGAIN_EVERY_MS = 50;

/** Takes connections out of the registry, and tells whose user goes offline by that. */
export class Departures {
  readonly #parts: DeparturesParts;
  /** The departures under way, by the connection's id. Each stays until it has succeeded. */
  readonly #departing = new Map<string, Departing>();
  /** The departures whose grace ends, by the time of that end. */
  readonly #due = new Map<number, Departing[]>();
  readonly #queue: WorkQueue<Departing>;
  #isClosed = false;

  constructor(parts: DeparturesParts, work: Running) {
    this.#parts = parts;
    this.#queue = new WorkQueue(
      AT_A_TIME,
      (departing) => this.#takeStep(departing),
      (worker) => work.track(worker),
    );
  }

  /** Whether the departure of a connection is under way. */
  has(id: string): boolean {
    return this.#departing.has(id);
  }

  /** Tries again what has failed. */
  tick(): void {
    for (const departing of this.#departing.values()) if (departing.isStuck) this.#run(departing);
  }

  /** Stops waiting for the end of graces. The other nodes wait for them. */
  close(): void {
    this.#isClosed = true;
  }

  /** Takes a connection out of the registry. If the registry does not answer, the next tick tries again. */
  begin(record: ConnectionRecord, how: Pick<Departing, "graceMs" | "wasTold">): void {
    const departing = { record, ...how, isStuck: false, isUnsure: false, isSettled: false };
    this.#departing.set(record.id, departing);
    this.#run(departing);
  }

  #run(departing: Departing): void {
    departing.isStuck = false;
    this.#queue.add(departing);
  }

  async #takeStep(departing: Departing): Promise<void> {
    try {
      await this.#step(departing);
    } catch {
      departing.isStuck = true;
      departing.isUnsure = true;
    }
  }

  async #step(departing: Departing): Promise<void> {
    const { lastingRegistry, registry, upkeepBounds } = this.#parts;
    const { record, graceMs } = departing;
    const depart = () => lastingRegistry.depart(record, graceMs);
    // A late answer, after the step was begun again, still says that the user has gone by this step.
    const departure = await heardLate(upkeepBounds, depart, (late) => {
      if (late?.state === "offline") this.#settle(departing, false);
    });
    if (departure.state === "leaving") {
      if (!this.#isClosed) this.#askAgain(departing, departure.forMs);
      return;
    }
    // After a lost answer nobody knows which node's step it was. `offline` may then be told twice, rather than never.
    const isOnline =
      departure.state === "present" && (!departing.isUnsure || (await registry.online([record.userId]))[0]);
    this.#settle(departing, isOnline === true);
    // This comes last. Until then a node that finds this one dead finds the connection.
    await upkeepBounds.call(() => lastingRegistry.forget(nodeOf(record.id), [record.id]));
    if (this.#departing.get(record.id) === departing) this.#departing.delete(record.id);
  }

  /** Tells the outcome if it differs from what was told before. */
  #settle(departing: Departing, isOnline: boolean): void {
    if (departing.isSettled) return;
    departing.isSettled = true;
    if (isOnline !== departing.wasTold)
      void this.#parts.events.tell(isOnline ? "online" : "offline", departing.record.userId);
  }

  /** Asks again together with all departures that are due at about the same time, so that their calls leave as one write. */
  #askAgain(departing: Departing, afterMs: number): void {
    const { clock } = this.#parts;
    const now = clock.now();
    const at = Math.ceil((now + afterMs) / ASK_AGAIN_EVERY_MS) * ASK_AGAIN_EVERY_MS;
    const due = this.#due.get(at);
    if (due) {
      due.push(departing);
      return;
    }
    const all = [departing];
    this.#due.set(at, all);
    clock.after(at - now, () => {
      this.#due.delete(at);
      for (const departing of all) this.#run(departing);
    });
  }
}
