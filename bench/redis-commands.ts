import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "redis";

/** Commands that a client sends to set up or keep its line, whatever the requests do. */
const housekeeping = new Set(["info", "config", "ping", "hello", "client", "auth", "select", "monitor"]);

/** Time for what a server still writes after its last response. */
const settleMs = 300;

/**
 * Counts the commands that clients of one database send while `run` lasts, by name.
 *
 * By MONITOR, in a pass that is not timed, because no counter of Redis tells a command from the calls inside
 * a script: one EVALSHA whose script calls GET and SET adds three to `total_commands_processed` and to the sum
 * of `INFO commandstats` (seen on 7.0.15). MONITOR marks the inner calls with `lua` in place of an address.
 */
export async function redisCommands(
  url: string,
  database: number,
  run: () => Promise<unknown>,
): Promise<Map<string, number>> {
  const calls = new Map<string, number>();
  const client = createClient({ url });
  client.on("error", () => {}); // a lost line rejects `monitor` or `close`
  await client.connect();
  await client.monitor((line) => {
    const [, from, source, name] = /\[(\d+) (\S+)\] "([^"]+)"/.exec(String(line)) ?? [];
    const command = name?.toLowerCase();
    if (command === undefined || Number(from) !== database || source === "lua") return;
    if (!housekeeping.has(command)) calls.set(command, (calls.get(command) ?? 0) + 1);
  });
  await run();
  await delay(settleMs);
  client.destroy();
  return calls;
}
