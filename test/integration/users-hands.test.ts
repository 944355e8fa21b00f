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

/** A backend that runs a step around the next removal of an entry. Later removals are not changed. */
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
  "on %s, deleteUserSessions finds a user who logged in again while the earlier logout was finishing",
  async (_name, create) => {
    const [original, destroy] = await create();
    const { backend, next } = aroundNextRemoval(original);
    const app = await startUsersApp({ backend });
    // On another node, because on one node a save waits for the previous one.
    const other = await startUsersApp({ backend });
    const device = new Device([app, other]);
    try {
      await device.post(0, "/log-in-in-place", { user });
      // The logout has written the session and is about to remove the entry. The user logs in again completely.
      next.before = () => device.copy().post(1, "/log-in-in-place", { user });
      // Then the entry is removed, and all sessions of the user are ended.
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
