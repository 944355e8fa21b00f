import assert from "node:assert/strict";
import type { Bus } from "../../bus/bus.ts";
import { eventually } from "../tools/eventually.ts";

/** All that a node hears on a channel from now on. */
export async function inbox(bus: Bus, channel: string): Promise<string[]> {
  const heard: string[] = [];
  await bus.subscribe(channel, (message) => heard.push(message));
  return heard;
}

/** Waits until exactly these messages were heard, in this order. */
export async function untilHeard(heard: readonly string[], messages: readonly string[]): Promise<void> {
  await eventually(() => assert.ok(heard.length >= messages.length, `heard ${heard.length} messages`));
  assert.deepEqual(heard, messages);
}

/** Waits until all that was published before must have arrived, by a message of the same publisher. */
export async function untilQuiet(bus: Bus, channel: string, heard: readonly string[]): Promise<void> {
  await bus.publish(channel, "end");
  await eventually(() => assert.equal(heard.at(-1), "end", "the end was not heard"));
}

export async function untilLive(bus: Bus, nodeIds: readonly string[]): Promise<void> {
  await eventually(async () => assert.deepEqual((await bus.liveNodes()).sort(), [...nodeIds].sort()));
}
