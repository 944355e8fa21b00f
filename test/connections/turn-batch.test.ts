import { TurnBatch, type Waiting } from "../../lib/connections/turn-batch.ts";

type Item = Waiting<string> & { readonly name: string };

/** A batch, and its calls. */
function batchOf(flush: (items: readonly Item[]) => Promise<void>): (name: string) => Promise<string> {
  const batch = new TurnBatch<Item>(flush);
  return (name) => new Promise((resolve, reject) => batch.add({ name, resolve, reject }));
}

test("items of one turn form one batch, also those that continued promises add", async () => {
  const flushed: string[][] = [];
  const call = batchOf(async (items) => {
    flushed.push(items.map(({ name }) => name));
    for (const { name, resolve } of items) resolve(`${name}!`);
  });
  const later = async (name: string) => {
    await undefined;
    await undefined;
    return call(name);
  };
  const answers = Promise.all([call("a"), later("b"), call("c")]);
  expect(flushed).toEqual([]);
  expect(await answers).toEqual(["a!", "b!", "c!"]);
  expect(flushed).toEqual([["a", "c", "b"]]);
  expect(await call("d")).toBe("d!");
  expect(flushed).toHaveLength(2);
});

test("items that are added while a batch runs form the next one", async () => {
  const flushed: string[][] = [];
  const following: Promise<string>[] = [];
  const call = batchOf(async (items) => {
    flushed.push(items.map(({ name }) => name));
    if (flushed.length === 1) following.push(call("b"));
    for (const { name, resolve } of items) resolve(name);
  });
  await call("a");
  await Promise.all(following);
  expect(flushed).toEqual([["a"], ["b"]]);
});

test("a failed batch rejects all its items, and the next batch still runs", async () => {
  let isDown = true;
  const call = batchOf(async (items) => {
    if (isDown) throw new Error("gone");
    for (const { resolve } of items) resolve("back");
  });
  const outcomes = await Promise.allSettled([call("a"), call("b")]);
  expect(outcomes).toMatchObject([{ reason: { message: "gone" } }, { reason: { message: "gone" } }]);
  isDown = false;
  expect(await call("c")).toBe("back");
});
