import { RedisHistory } from "../../lib/history/redis-history.ts";
import { assertNamed, many, readAll } from "../../lib/testing/history-suite/pages.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { type RedisCluster, type RedisClusterClient, startRedisCluster } from "../support/redis-cluster.ts";

let cluster: RedisCluster;
let client: RedisClusterClient;

beforeAll(async () => {
  cluster = await startRedisCluster();
  client = await cluster.connect();
}, 40_000);

afterAll(async () => {
  client?.destroy();
  await cluster?.stop();
});

/** Moves a slot with its keys from one master to another, as a reshard does, one key at a time. */
async function move(slot: number, from: number, to: number, betweenKeys: () => Promise<unknown>) {
  const ids = await Promise.all(cluster.masters.map((master) => master.sendCommand(["CLUSTER", "MYID"])));
  const [source, target] = [cluster.masters[from], cluster.masters[to]];
  const send = (at: number, ...words: string[]) => cluster.masters[at]?.sendCommand(words);
  await send(to, "CLUSTER", "SETSLOT", `${slot}`, "IMPORTING", String(ids[from]));
  await send(from, "CLUSTER", "SETSLOT", `${slot}`, "MIGRATING", String(ids[to]));
  const port = `${cluster.servers[to]?.port}`;
  for (;;) {
    await betweenKeys();
    const keys = await source?.sendCommand(["CLUSTER", "GETKEYSINSLOT", `${slot}`, "1"]);
    const [key] = keys as unknown as string[];
    if (key === undefined) break;
    await send(from, "MIGRATE", "127.0.0.1", port, key, "0", "5000");
  }
  await target?.sendCommand(["CLUSTER", "SETSLOT", `${slot}`, "NODE", String(ids[to])]);
  for (const master of cluster.masters)
    await master.sendCommand(["CLUSTER", "SETSLOT", `${slot}`, "NODE", String(ids[to])]);
}

// A script whose keys were on two servers once failed with TRYAGAIN.
it("RedisHistory loses nothing and refuses nothing while the slot of a channel moves, key by key", async () => {
  const prefix = uniquePrefix("history");
  const history = new RedisHistory(client, prefix);
  const keySlot = ["CLUSTER", "KEYSLOT", `${prefix}bus:a`];
  const slot = Number(await cluster.masters[0]?.sendCommand(keySlot));
  const from = Math.floor((slot * 3) / 16_384);
  const to = (from + 1) % 3;
  const failures: unknown[] = [];
  let sent = 0;
  const append = async () => {
    sent++;
    await history.append("a", `m${sent}`, many).catch((error) => failures.push(error));
  };
  for (let n = 0; n < 5; n++) await append();
  const { epoch } = await history.enter("a", "u", 60);
  const pending: Promise<unknown>[] = [];
  await move(slot, from, to, async () => {
    // They may have to wait until all keys have moved.
    pending.push(append());
    pending.push(readAll(history, "a", { reader: "u" }).catch((error) => failures.push(error)));
    pending.push(history.positions(["a"]).catch((error) => failures.push(error)));
    await new Promise((resolve) => setTimeout(resolve, 50));
  });
  await Promise.all(pending);
  await append();
  expect(failures).toEqual([]);
  const page = await readAll(history, "a");
  expect(page.position).toEqual({ epoch, offset: sent });
  expect(page.messages.map(({ message }) => message).sort()).toEqual(
    Array.from({ length: sent }, (_, n) => `m${n + 1}`).sort(),
  );
  const { enteredAfter, messages } = await readAll(history, "a", { reader: "u" });
  expect(enteredAfter).toBe(5);
  expect(messages.map(({ offset }) => offset)).toEqual(Array.from({ length: sent - 5 }, (_, n) => n + 6));
  await history.forget("a");
  for (let n = 1; n <= 2; n++) await history.append("b", `m${n}`, many);
  assertNamed(await readAll(history, "b"), 1, 2);
}, 60_000);
