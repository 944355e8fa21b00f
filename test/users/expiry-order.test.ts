import { ExpiryOrder } from "../../lib/users/session-index/expiry-order.ts";
import { seededRandom } from "../support/random.ts";

interface Entry {
  expiresAt: number;
  mark: number;
}

describe("ExpiryOrder", () => {
  it("has the same order as a sorted list, whichever entries are added, removed and moved", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const orders = [new ExpiryOrder<Entry>(), new ExpiryOrder<Entry>()] as const;
      const lists: [Entry[], Entry[]] = [[], []];
      for (let mark = 1; mark <= 400; mark++) {
        const at = random.int(2) as 0 | 1;
        const [order, list] = [orders[at], lists[at]];
        const kind = random.int(20);
        if (kind < 12) {
          const entry = { expiresAt: random.chance(0.1) ? Number.POSITIVE_INFINITY : random.int(50), mark };
          order.add(entry);
          list.push(entry);
        } else if (kind < 19 && list.length > 0) {
          const [entry] = list.splice(random.int(list.length), 1) as [Entry];
          order.delete(entry);
          order.delete(entry);
        } else if (kind === 19) {
          const other = at === 0 ? 1 : 0;
          order.takeAll(orders[other]);
          list.push(...lists[other].splice(0));
        }
        const sorted = [...list].sort((a, b) => Math.sign(a.expiresAt - b.expiresAt) || a.mark - b.mark);
        const limit = random.int(10);
        expect(order.size).toBe(list.length);
        expect(order.first(limit)).toEqual(sorted.slice(0, limit));
        expect(order.last(limit)).toEqual(sorted.reverse().slice(0, limit));
      }
    }
  });

  it("returns the entries it was given, also beside an expiry that is not a number", () => {
    const order = new ExpiryOrder<Entry>();
    const entries = [5, Number.NaN, 1, 9, Number.NaN, 3].map((expiresAt, mark) => ({ expiresAt, mark }));
    for (const entry of entries) order.add(entry);
    for (const [at, entry] of entries.entries()) {
      order.delete(entry);
      expect(order.size).toBe(entries.length - at - 1);
    }
  });
});
