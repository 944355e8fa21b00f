// What a third party writes who has a backend: all suites, on node:test. Copied into a project that has the package.
import { after, describe, it } from "node:test";
import { memoryBackend } from "express-session-stack";
import {
  describeBus,
  describeConnectionStore,
  describeHistory,
  describeMemberships,
  describeRegistry,
  describeSessionIndex,
  describeSessionStore,
} from "express-session-stack/testing";

const runner = { describe, it };

function describeBackend(name, open, bus, history) {
  describeSessionStore(name, { create: () => open().sessions, runner });
  describeSessionIndex(name, { create: () => open().sessionIndex, runner });
  describeRegistry(name, { create: () => open().registry, runner });
  describeMemberships(name, { create: () => open().memberships, runner });
  describeConnectionStore(name, { create: (options) => open().connectionStore(options), runner });
  describeBus(name, { ...bus, runner });
  describeHistory(name, { ...history, deviations: { loss: "nobody can make it lose" }, runner });
}

function describeMemory() {
  const bus = {
    create() {
      const { bus } = memoryBackend();
      return { buses: [bus, bus, bus] };
    },
    deviations: { lines: "they are never down", ownClose: "the nodes of one process share one bus" },
  };
  const history = {
    create() {
      const backend = memoryBackend();
      return { nodes: [backend, backend] };
    },
  };
  describeBackend("memoryBackend", memoryBackend, bus, history);
}

async function describeRedis(url, place) {
  const { createClient } = await import("redis");
  const { redisBackend } = await import("express-session-stack/redis");
  const client = createClient({ url });
  client.on("error", () => {});
  await client.connect();
  after(() => client.destroy());
  let places = 0;
  const open = (prefix = `${place}${places++}:`) => redisBackend({ client, prefix });
  const bus = {
    create() {
      const prefix = `${place}${places++}:`;
      return { buses: [open(prefix).bus, open(prefix).bus, open(prefix).bus] };
    },
    deviations: { lines: "others share the server" },
  };
  const history = {
    create() {
      const prefix = `${place}${places++}:`;
      return { nodes: [open(prefix), open(prefix)] };
    },
  };
  describeBackend("redisBackend", () => open(), bus, history);
}

const { REDIS_URL, REDIS_PLACE } = process.env;
if (REDIS_URL) await describeRedis(REDIS_URL, REDIS_PLACE);
else describeMemory();
