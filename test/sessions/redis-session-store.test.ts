import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { SessionData } from "express-session";
import { RedisSessionStore } from "../../lib/sessions/redis-session-store.ts";
import type { SessionSerializer } from "../../lib/sessions/session-store.ts";
import { describeSessionStore } from "../../lib/testing/describe-session-store.ts";
import {
  announcements,
  assertGone,
  assertStored,
  baseOf,
  contentsOf,
  insert,
  sessionData,
  snapshot,
} from "../../lib/testing/session-store-suite/sessions.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

let client: RedisClient;

beforeAll(async () => {
  client = await connectRedis();
});

afterAll(() => client.destroy());

type Options = Partial<ConstructorParameters<typeof RedisSessionStore>[0]>;

function create(options: Options = {}): RedisSessionStore {
  return new RedisSessionStore({ client, prefix: uniquePrefix("sessions"), ...options });
}

describeSessionStore("RedisSessionStore", { create: () => create() });

const base64: SessionSerializer = {
  stringify: (data) => Buffer.from(JSON.stringify(data)).toString("base64"),
  parse: (text) => JSON.parse(Buffer.from(text, "base64").toString()) as SessionData,
};

const key = randomBytes(32);

/** With a random IV, so that no two texts of the same data are equal. */
const encrypting: SessionSerializer = {
  stringify(data) {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, iv);
    const encrypted = [cipher.update(JSON.stringify(data)), cipher.final()];
    return Buffer.concat([iv, cipher.getAuthTag(), ...encrypted]).toString("base64");
  },
  parse(text) {
    const bytes = Buffer.from(text, "base64");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    const decrypted = [decipher.update(bytes.subarray(28)), decipher.final()];
    return JSON.parse(Buffer.concat(decrypted).toString()) as SessionData;
  },
};

const encryptingLater: SessionSerializer = {
  stringify: encrypting.stringify,
  parse: async (text) => encrypting.parse(text),
};

describeSessionStore("RedisSessionStore with a serializer that encrypts", {
  create: () => create({ serializer: encrypting }),
});

describe("RedisSessionStore with a serializer", () => {
  it.each([
    ["that writes base64", base64],
    ["that never writes the same twice", encrypting],
    ["that answers later", encryptingLater],
  ])("%s writes, merges and refuses as with JSON", async (_, serializer) => {
    const store = create({ serializer });
    const first = await insert(store, "a", { n: 1 });
    expect(await client.get(`${store.prefix}a`)).toBe(first.version);
    await assertStored(store, "a", { n: 1 });
    const second = await store.write("a", snapshot({ n: 2 }), first);
    const late = await store.write("a", snapshot({ n: 3 }), first);
    if (second.outcome !== "written" || late.outcome !== "changed") throw new Error(late.outcome);
    expect(contentsOf(late.current)).toEqual({ n: 2 });
    expect(late.current.version).toBe(second.version);
    expect(JSON.parse(late.current.json)).toEqual(late.current.data);
    await store.write("a", snapshot({ n: 3 }), late.current);
    await assertStored(store, "a", { n: 3 });
    await store.remove("a", "session_ended");
    expect(await store.write("a", snapshot({ n: 4 }), baseOf(snapshot({ n: 2 }), second.version))).toEqual({
      outcome: "deleted",
    });
    await assertGone(store, "a");
  });

  it("finds that a session which was written twice with the same contents has changed", async () => {
    const store = create({ serializer: encrypting });
    const first = await insert(store, "a", { n: 1 });
    await store.write("a", snapshot({ n: 1 }), first);
    expect((await store.write("a", snapshot({ n: 1 }), first)).outcome).toBe("changed");
  });

  it("does not read a session that another key encrypted, and leaves it unchanged", async () => {
    const store = create({ serializer: encrypting });
    const text = base64.stringify(sessionData({ n: 1 }));
    await client.set(`${store.prefix}a`, text);
    await expect(store.read("a")).rejects.toMatchObject({ code: "ERR_SESSION_UNREADABLE" });
    expect(await client.get(`${store.prefix}a`)).toBe(text);
  });
});

describe("RedisSessionStore on two nodes", () => {
  it("loses no step when writers count together through two clients", async () => {
    const other = await connectRedis();
    try {
      const here = create();
      const there = create({ client: other, prefix: here.prefix });
      await insert(here, "a", { count: 0 });
      await Promise.all(
        [here, there, here, there, here, there].map(async (store) => {
          for (let step = 0; step < 20; step++) await increment(store, "a");
        }),
      );
      await assertStored(there, "a", { count: 120 });
    } finally {
      other.destroy();
    }
  });

  it("does not write back what the other node removed, and announces an ending on its own node only", async () => {
    const other = await connectRedis();
    try {
      const here = create();
      const there = create({ client: other, prefix: here.prefix });
      const base = await insert(here, "a", { n: 1 });
      const heardHere = announcements(here);
      const heardThere = announcements(there);
      await there.remove("a", "session_ended");
      expect(await here.write("a", snapshot({ n: 2 }), base)).toEqual({ outcome: "deleted" });
      expect(heardHere).toEqual([]);
      expect(heardThere).toEqual([["a", "session_ended"]]);
      await assertGone(there, "a");
    } finally {
      other.destroy();
    }
  });
});

async function increment(store: RedisSessionStore, sid: string): Promise<void> {
  let current = await store.read(sid);
  while (current) {
    const { count } = contentsOf(current) as { count: number };
    const result = await store.write(sid, snapshot({ count: count + 1 }), current);
    if (result.outcome === "written") return;
    current = result.outcome === "changed" ? result.current : undefined;
  }
  throw new Error("The session is gone.");
}
