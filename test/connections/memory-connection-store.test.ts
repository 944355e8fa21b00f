import { MemoryConnectionStore } from "../../lib/connections/memory-connection-store.ts";
import { connection, ofConnection } from "../../lib/testing/connection-store-suite/suite-options.ts";
import { describeConnectionStore } from "../../lib/testing/describe-connection-store.ts";

describeConnectionStore("MemoryConnectionStore", { create: (options) => new MemoryConnectionStore(options) });

describe("MemoryConnectionStore", () => {
  it("keeps data until the exact millisecond of its expiry", async () => {
    let now = 1_000;
    const store = new MemoryConnectionStore({ ...ofConnection, ttlSeconds: 10 }, { now: () => now });
    const own = connection("n1:1");
    await store.set(own, "key", "value");
    now += 5_000;
    await store.refresh(own);
    now += 9_999;
    expect(await store.get(own, "key")).toBe("value");
    now++;
    expect(await store.get(own, "key")).toBeUndefined();
  });
});
