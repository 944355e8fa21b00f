import type { Bounds } from "../../calls/bounds.ts";
import { heardLate } from "../../calls/heard-late.ts";
import { WorkQueue } from "../../calls/work-queue.ts";
import { type ConnectionRecord, nodeOf, type Registry } from "../../connections/registry.ts";
import type { Clock } from "../../time/clock.ts";
import type { Events } from "../messages/events.ts";
import type { Running } from "../messages/running.ts";

/** A connection on its way out. */
interface Departing {
  readonly record: ConnectionRecord;
  readonly graceMs: number;
  /** Whether it was told that its user had come. */
  readonly wasTold: boolean;
  /** Whether the registry did not answer, the last time or once. */
  isStuck: boolean;
  isUnsure: boolean;
  /** Whether it was told of what has come of it, if anything was to be told. */
  isSettled: boolean;
}

/** What departures need. */
export interface DeparturesParts {
  readonly registry: Registry;
  /** Answers whenever it can: for what must not get lost when nobody waits for it any more. */
  readonly lastingRegistry: Registry;
  readonly upkeepBounds: Bounds;
  readonly clock: Clock;
  readonly events: Events;
}

/** Steps of departures that run at a time: a node that loses all its connections has places left for what else it does. */
const AT_A_TIME = 1_000;

/** How exactly the end of `graceMs` is kept. */
const ASK_AGAIN_EVERY_MS = 50;

/** Takes connections out of the registry, and tells whose user goes offline by that. */
export class Departures {
  readonly #parts: DeparturesParts;
  /** What is on its way out, by the connection's id: until it is done, and however often it must be tried. */
  readonly #departing = new Map<string, Departing>();
  /** Whose time as leaving ends, by when it does. */
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

  /** Whether a connection is on its way out. */
  has(id: string): boolean {
    return this.#departing.has(id);
  }

  /** Tries again what has failed. */
  tick(): void {
    for (const departing of this.#departing.values()) if (departing.isStuck) this.#run(departing);
  }

  /** Waits for no end of a time as leaving any more: the other nodes do. */
  close(): void {
    this.#isClosed = true;
  }

  /** Takes a connection out, for as long as it needs: if the registry does not answer, again with the next tick. */
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
    // What comes when it is tried again already says all the same that the user has gone by this step.
    const departure = await heardLate(upkeepBounds, depart, (late) => {
      if (late?.state === "offline") this.#settle(departing, false);
    });
    if (departure.state === "leaving") {
      if (!this.#isClosed) this.#askAgain(departing, departure.forMs);
      return;
    }
    // Of an answer that was lost nobody knows whose step it was: rather told twice, where two were lost, than never.
    const isOnline =
      departure.state === "present" && (!departing.isUnsure || (await registry.online([record.userId]))[0]);
    this.#settle(departing, isOnline === true);
    // Last: until here, whoever finds this node dead finds the connection.
    await upkeepBounds.call(() => lastingRegistry.forget(nodeOf(record.id), [record.id]));
    if (this.#departing.get(record.id) === departing) this.#departing.delete(record.id);
  }

  /** Who was never told as come has not gone, and was alone in having come if others are there: they are told now. */
  #settle(departing: Departing, isOnline: boolean): void {
    if (departing.isSettled) return;
    departing.isSettled = true;
    if (isOnline !== departing.wasTold)
      void this.#parts.events.tell(isOnline ? "online" : "offline", departing.record.userId);
  }

  /** With all who are due at about the same time: what they ask then leaves as one write. */
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
