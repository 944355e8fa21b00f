import { redisPlace } from "../users/support.ts";
import { connect, next, serve } from "./support.ts";

// An emptied Redis does not know which nodes have connections of a user. Once, messages of a group that the user had
// left still arrived until those nodes renewed their leases.
test("a leave reaches connections on a node that Redis no longer lists", async () => {
  const far = await redisPlace();
  const near = await redisPlace({ prefix: far.prefix });
  const [there, here] = [await serve({ backend: far.backend }), await serve({ backend: near.backend })];
  await here.chat.join("ada", "engines");
  const { ws, line } = await connect(there, "ada");
  expect([...line.groups]).toEqual(["engines"]);
  for (const key of await far.client.keys(`${far.prefix}session-stack:*`)) await far.client.del(key);
  await here.chat.leave("ada", "engines");
  await here.chat.group("engines").send("after the leave");
  await here.chat.user("ada").send("to ada");
  expect(await next(ws)).toEqual({ event_type: "to ada", data: {} });
  expect([...line.groups]).toEqual([]);
});

test("a leave causes no event at clients", async () => {
  const served = await serve();
  const { ws } = await connect(served, "ada");
  await served.chat.join("ada", "engines");
  await served.chat.leave("ada", "engines");
  await served.chat.user("ada").send("to ada");
  expect(await next(ws)).toEqual({ event_type: "to ada", data: {} });
});
