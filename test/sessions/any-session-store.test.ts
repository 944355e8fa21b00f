import session, { type Store } from "express-session";
import memorystore from "memorystore";
import { AnySessionStore } from "../../lib/sessions/any-session-store.ts";
import { describeSessionStore } from "../../lib/testing/describe-session-store.ts";

const MemoryStoreFromNpm = memorystore(session);
const timeoutMs = 2_000;
const deviations = {
  refreshKeepsVersion: "the store keeps the expiry in the session's own text",
};

/** A store like many existing ones, with only the three methods that express-session requires. */
function withoutTouch(store: Store): Store {
  return Object.assign(store, { touch: undefined });
}

describeSessionStore("AnySessionStore over express-session's MemoryStore", {
  create: () => AnySessionStore.over(new session.MemoryStore(), timeoutMs),
  deviations,
});

describeSessionStore("AnySessionStore over the package memorystore", {
  create: () => AnySessionStore.over(new MemoryStoreFromNpm({}), timeoutMs),
  deviations: { ...deviations, walksAnyId: "its all() loses the id __proto__" },
});

describeSessionStore("AnySessionStore over a store without touch", {
  create: () => AnySessionStore.over(withoutTouch(new session.MemoryStore()), timeoutMs),
  deviations: {
    refreshMovesExpiry: "the store has no touch",
    refreshTellsGone: "the store has no touch, so it is not asked",
  },
});
