import assert from "node:assert/strict";
import type { Bus } from "../../bus/bus.ts";
import { eventually } from "../tools/eventually.ts";

/** Subscribes, and returns a list that fills with the messages of the channel. */
export async function inbox(bus: Bus, channel: string): Promise<string[]> {
  const heard: string[] = [];
  await bus.subscribe(channel, (message) => heard.push(message));
  return heard;
}

/** Waits for exactly these messages, in this order. */
export async function untilHeard(heard: readonly string[], messages: readonly string[]): Promise<void> {
  await eventually(() => assert.ok(heard.length >= messages.length, `heard ${heard.length} messages`));
  assert.deepEqual(heard, messages);
}

/** Waits until earlier messages of this publisher have arrived. A further message, which comes last, shows that. */
export async function untilQuiet(bus: Bus, channel: string, heard: readonly string[]): Promise<void> {
  await bus.publish(channel, "end");
  await eventually(() => assert.equal(heard.at(-1), "end", "the end was not heard"));
}

export async function untilLive(bus: Bus, nodeIds: readonly string[]): Promise<void> {
  await eventually(async () => assert.deepEqual((await bus.liveNodes()).sort(), [...nodeIds].sort()));
}
