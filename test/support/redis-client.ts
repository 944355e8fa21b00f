import { randomBytes } from "node:crypto";
import { createClient, type RedisClientOptions } from "redis";
import { within } from "./within.ts";

export type RedisClient = ReturnType<typeof createClient>;

/** Connects a node-redis client; the test closes it. */
export async function connectRedis(
  url: string | undefined = process.env.REDIS_URL,
  options: Omit<RedisClientOptions, "url" | "modules" | "functions" | "scripts"> = {},
): Promise<RedisClient> {
  if (url === undefined) throw new Error("REDIS_URL is not set: jest's global setup sets it.");
  const client: RedisClient = createClient({ ...options, url });
  const destroy = client.destroy.bind(client);
  // node-redis 5 throws for a client that has ended already.
  client.destroy = () => {
    if (client.isOpen) destroy();
  };
  let lastError: unknown;
  // Without a listener, a server that goes away on purpose would end the test process.
  client.on("error", (error: unknown) => {
    lastError = error;
  });
  try {
    await within(client.connect(), 5_000, `connection to ${url}`);
  } catch (error) {
    client.destroy();
    throw new Error(`Cannot connect to ${url}.`, { cause: lastError ?? error });
  }
  return client;
}

/** The option for a version of the protocol. The types of node-redis's answers differ by it, and no test reads them. */
export function resp(version: 2 | 3): { RESP: 3 } {
  return { RESP: version as 3 };
}

/** A key prefix that no other test has. */
export function uniquePrefix(label: string): string {
  return `test:${label}:${randomBytes(6).toString("hex")}:`;
}

/** A client that passes each call to the test, which makes the call or not. This includes derived clients. */
export function aroundCalls<T extends object>(
  client: T,
  around: (name: string, args: unknown[], run: () => unknown) => unknown,
): T {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name === "withCommandOptions") {
        return (...args: unknown[]) => aroundCalls(member.apply(target, args) as T, around);
      }
      return (...args: unknown[]) => around(String(name), args, () => member.apply(target, args));
    },
  });
}
