import { setTimeout as delay } from "node:timers/promises";
import type { Backend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { Gates } from "./gates.ts";
import { startUsersApp } from "./users-app.ts";
import { Device } from "./users-device.ts";

const SLOW_MS = 300;
const user = "somebody";

let client: RedisClient;
let prefix: string;
let closing: (() => unknown)[] = [];

beforeEach(async () => {
  client = await connectRedis();
  prefix = uniquePrefix("users-entry-life");
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
  client.destroy();
});

async function startDevice(backend: Backend): Promise<Device> {
  const app = await startUsersApp({ backend });
  const device = new Device([app]);
  closing.push(
    () => backend.close(),
    () => app.close(),
    () => device.close(),
  );
  return device;
}

/** A backend that is slow with these calls, as if the line paused. Each call first calls `reached`. */
function slowWith(calls: readonly string[], reached: () => void = () => {}): Backend {
  const backend = redisBackend({ client, prefix });
  const sessions = new Proxy(backend.sessions, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (!calls.includes(String(name))) return value.bind(target);
      return async (...args: unknown[]) => {
        reached();
        await delay(SLOW_MS);
        return value.apply(target, args);
      };
    },
  });
  return { ...backend, sessions };
}

/** The milliseconds by which the session outlives the index. deleteUserSessions would then miss it. */
async function msWithoutEntry(sid: string): Promise<number> {
  const [session, index] = await Promise.all([
    client.pTTL(`${prefix}sess:${sid}`),
    client.pTTL(`${prefix}session-stack:user:${user}:sessions`),
  ]);
  return session - index;
}

describe("the index lives at least as long as the session in it", () => {
  test("after a login", async () => {
    const device = await startDevice(slowWith(["write", "refresh"]));
    expect(await msWithoutEntry(await device.logIn(0, user))).toBeLessThanOrEqual(0);
  });

  test("after a touch", async () => {
    const device = await startDevice(slowWith(["write", "refresh"]));
    const sid = await device.logIn(0, user);
    await device.post(0, "/touch");
    expect(await msWithoutEntry(sid)).toBeLessThanOrEqual(0);
  });

  test("after a save", async () => {
    const device = await startDevice(slowWith(["write", "refresh"]));
    const sid = await device.logIn(0, user);
    await device.post(0, "/set", { key: "a", value: "b" });
    expect(await msWithoutEntry(sid)).toBeLessThanOrEqual(0);
  });

  test("after a touch by a request that began when the session had no user", async () => {
    const gates = new Gates();
    const device = await startDevice(slowWith(["refresh"], () => void gates.pass("touch")));
    const sid = await device.post<string>(0, "/set", { key: "a", value: "b" });
    const touched = device.post(0, "/touch");
    await gates.reached("touch");
    await device.post(0, "/log-in-in-place", { user });
    await touched;
    expect(await msWithoutEntry(sid)).toBeLessThanOrEqual(0);
  });
});
