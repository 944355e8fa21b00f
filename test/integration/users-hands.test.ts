import { type Backend, memoryBackend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { startUsersApp } from "./users-app.ts";
import { Device } from "./users-device.ts";

const user = "somebody";

async function onRedis(): Promise<[Backend, () => void]> {
  const client = await connectRedis();
  return [redisBackend({ client, prefix: uniquePrefix("users-hands") }), () => client.destroy()];
}

/** The backend, and what is done around the next removal of an entry: whatever comes later goes through. */
function aroundNextRemoval(backend: Backend): {
  backend: Backend;
  next: { before?: () => Promise<unknown>; after?: () => Promise<unknown> };
} {
  const next: { before?: () => Promise<unknown>; after?: () => Promise<unknown> } = {};
  const sessionIndex = new Proxy(backend.sessionIndex, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (!/^remove/.test(String(name))) return value.bind(target);
      return async (...args: unknown[]) => {
        const { before, after } = next;
        delete next.before;
        delete next.after;
        await before?.();
        const answer = await value.apply(target, args);
        await after?.();
        return answer;
      };
    },
  });
  return { backend: { ...backend, sessionIndex }, next };
}

test.each([
  ["memory", async () => [memoryBackend(), () => {}] as [Backend, () => void]],
  ["Redis", onRedis],
])(
  "on %s, deleteUserSessions finds a user who has come back while the logout before was being finished",
  async (_name, create) => {
    const [original, destroy] = await create();
    const { backend, next } = aroundNextRemoval(original);
    const app = await startUsersApp({ backend });
    // Of another node: on one node a save waits for the one before it.
    const other = await startUsersApp({ backend });
    const device = new Device([app, other]);
    try {
      await device.post(0, "/log-in-in-place", { user });
      // The logout has written the session and is about to take out the entry: the user comes back, and is done.
      next.before = () => device.copy().post(1, "/log-in-in-place", { user });
      // Then, with the entry taken out, all of the user's sessions are ended.
      next.after = () => device.copy().deleteSessionsOf(0, user);
      await device.post(0, "/log-out-in-place");
      expect(await device.copy().whoAmI(0)).not.toHaveProperty("userId");
    } finally {
      device.close();
      await Promise.all([app.close(), other.close()]);
      await backend.close();
      destroy();
    }
  },
);
