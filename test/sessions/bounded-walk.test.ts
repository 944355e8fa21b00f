import { Bounds } from "../../lib/calls/bounds.ts";
import { BoundedSessionStore } from "../../lib/sessions/bounded-session-store.ts";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";

/** A store whose walk the test controls. */
function walked() {
  const walk = { step: (): Promise<never> => Promise.reject(new Error("not said")), returned: 0 };
  const inner = Object.assign(new MemorySessionStore(), {
    walk: () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => walk.step(),
        return: async () => ({ done: true, value: ++walk.returned }),
      }),
    }),
  });
  return { walk, store: new BoundedSessionStore(inner as never, new Bounds(50)) };
}

const unavailable = { name: "SessionStackError", code: "ERR_STORE_UNAVAILABLE", status: 503 };

// Once, a walk had no time limit, and its failures were the store's own errors.
test("each step of a walk is bounded, and its failure is that of a store", async () => {
  const { store, walk } = walked();
  walk.step = () => new Promise<never>(() => {});
  await expect(store.walk()[Symbol.asyncIterator]().next()).rejects.toMatchObject(unavailable);
  const cause = new Error("cut");
  walk.step = () => Promise.reject(cause);
  await expect(store.walk()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ ...unavailable, cause });
  expect(walk.returned).toBe(2);
});

test("the TypeError of a store that cannot be walked stays a TypeError", async () => {
  const { store, walk } = walked();
  const error = new TypeError("The store has no all()");
  walk.step = () => Promise.reject(error);
  await expect(store.walk()[Symbol.asyncIterator]().next()).rejects.toBe(error);
});
