import assert from "node:assert/strict";
import type { Arrival, ConnectionRecord, Departure } from "../../connections/registry.ts";
import { assertAlternate, type Span } from "../tools/spans.ts";

/** The calls for one connection, with their results. */
export interface Life {
  readonly record: ConnectionRecord;
  readonly arrival: Span<Arrival>;
  readonly departures: readonly Span<Departure>[];
}

export interface ModelOptions {
  readonly maxPerUser: number;
  /** Whether departures had a grace. */
  readonly withGrace: boolean;
}

const never = Number.POSITIVE_INFINITY;

/** Asserts that some order of the calls explains the results of all connections of one user. */
export function assertPossible(lives: readonly Life[], { maxPerUser, withGrace }: ModelOptions): void {
  const arrived = lives.filter(({ arrival }) => arrival.result !== "full");
  const departures = arrived.flatMap((life) => life.departures);
  const firsts = arrived.map(({ arrival }) => arrival).filter(({ result }) => result === "first");
  const offlines = departures.filter(({ result }) => result.state === "offline");
  assertAlternate(
    firsts,
    offlines,
    arrived.some((life) => isThereAtEnd(life)),
  );

  for (const life of lives) {
    const others = lives.filter((other) => other !== life && other.arrival.result !== "full");
    const { arrival, record } = life;
    const mustBe = others.filter((other) => mustBeThere(other, arrival)).length;
    const mayBe = others.filter((other) => mayBeThere(other, arrival)).length;
    const told = `${record.id} arrived as ${arrival.result}`;
    if (arrival.result === "first") assert.equal(mustBe, 0, `${told}, and others were there`);
    if (arrival.result === "further" && !withGrace) assert.ok(mayBe > 0, `${told}, and nobody was there`);
    if (arrival.result === "full") assert.ok(mayBe >= maxPerUser, `${told}, and there were ${mayBe}`);
    else assert.ok(mustBe < maxPerUser, `${told}, and there were ${mustBe}`);
    for (const departure of life.departures) {
      const told = `${record.id} departed as ${departure.result.state}`;
      const present = others.filter((other) => mustBeThere(other, departure)).length;
      if (departure.result.state !== "present") assert.equal(present, 0, `${told}, and others were there`);
    }
    // A connection that departs once either leaves others behind or is the last one.
    const [only, again] = life.departures;
    if (withGrace || !only || again || arrival.result === "full") continue;
    const isAlone = !others.some((other) => mayBeThere(other, only));
    if (isAlone) assert.equal(only.result.state, "offline", `${record.id} departed and was the last`);
  }
}

export function isThereAtEnd({ arrival, departures }: Life): boolean {
  return arrival.result !== "full" && departures.length === 0;
}

/** Whether a connection was registered during a whole span, in every possible order. */
function mustBeThere({ arrival, departures }: Life, span: Span<unknown>): boolean {
  const leavesAt = Math.min(never, ...departures.map(({ began }) => began));
  return arrival.ended < span.began && leavesAt > span.ended;
}

/** Whether a connection may have been registered at some moment of a span. */
function mayBeThere({ arrival, departures }: Life, span: Span<unknown>): boolean {
  const leftAt = Math.min(never, ...departures.map(({ ended }) => ended));
  return arrival.began < span.ended && leftAt > span.began;
}
