import { eventually } from "../support/eventually.ts";
import { comeBack, scene, settled } from "./recovery-scene.ts";

test("what was missed is asked for, and arrives before what is new; then the state is open", async () => {
  const self = await comeBack(5);
  const { asked, heard, live, answer, states, until, lost } = self;
  await eventually(() => expect(asked).toHaveLength(1));
  expect(asked[0]?.data).toEqual({
    channel: "user",
    epoch: "e",
    after: 2,
    upTo: 5,
    was: ["second", "first"],
  });
  live(6);
  self.say({ event_type: "n", data: { n: "other" }, channel: "group:unknown", offset: 9 });
  self.say({ event_type: "n", data: { n: "plain" } });
  await settled(self);
  expect(heard).toEqual([1, 2, "other", "plain"]);
  expect(states.at(-1)?.[0]).toBe("connecting");
  answer(0, [3], 4);
  await eventually(() => expect(asked[1]?.data).toMatchObject({ after: 4, upTo: 5 }));
  answer(1, [5]);
  expect(await until("open", 1)).toEqual({ recovered: true });
  expect(heard).toEqual([1, 2, "other", "plain", 3, 5, 6]);
  expect(lost).toEqual([]);
});

test("a first connection is open at once, without recovered", async () => {
  const { states } = await scene();
  expect(states).toEqual([["open", {}]]);
});

test.each([
  ["nothing was missed", 2, "e", true],
  ["the server is behind", 1, "e", true],
  ["the history began anew", 9, "f", false],
])("if %s, nothing is asked, and the client is open", async (_, offset, epoch, recovered) => {
  const { until, asked, lost } = await comeBack(offset, epoch);
  expect(await until("open", 1)).toEqual({ recovered });
  expect(asked).toEqual([]);
  expect(lost).toEqual(recovered ? [] : ["user"]);
});

test("messages that are gone are told, and later ones arrive", async () => {
  const { until, asked, answer, live, lost, heard } = await comeBack(5);
  await eventually(() => expect(asked).toHaveLength(1));
  live(6);
  answer(0, "history_lost");
  expect(await until("open", 1)).toEqual({ recovered: false });
  expect(lost).toEqual(["user"]);
  live(7);
  await eventually(() => expect(heard).toEqual([1, 2, 6, 7]));
});

// Once, the client forgot its position then. A server that had not restored the group yet told the position again, the
// client began there, and what lay between was missing without a word.
test("a channel that the connection is not in keeps its position, and is asked for when it is told again", async () => {
  const self = await comeBack(5);
  await eventually(() => expect(self.asked).toHaveLength(1));
  self.live(6);
  self.answer(0, "not_in_channel");
  expect(await self.until("open", 1)).toEqual({ recovered: true });
  await settled(self);
  expect([self.heard, self.lost, self.asked.length]).toEqual([[1, 2], [], 1]);
  self.tell("second", { user: { epoch: "e", offset: 6 } });
  await eventually(() => expect(self.asked[1]?.data).toMatchObject({ after: 2, upTo: 6 }));
  self.answer(1, [3, 4, 5, 6]);
  await eventually(() => expect(self.heard).toEqual([1, 2, 3, 4, 5, 6]));
  expect(self.lost).toEqual([]);
});

test("an error, and an answer that covers nothing, are followed by another request", async () => {
  const { asked, answer, until } = await comeBack(3);
  await eventually(() => expect(asked).toHaveLength(1));
  answer(0, [], 2);
  await eventually(() => expect(asked).toHaveLength(2), { withinMs: 3_000 });
  answer(1, [3]);
  expect(await until("open", 1)).toEqual({ recovered: true });
});

test("a server that tells no positions has lost all channels", async () => {
  let connections = 0;
  const self = await scene({ requestTimeoutMs: 50 }, ({ tell }) => {
    if (!connections++)
      tell("first", { user: { epoch: "e", offset: 0 }, "group:a": { epoch: "g", offset: 3 } });
  });
  await settled(self);
  self.client.send("hello", { n: 1 });
  self.drop();
  expect(await self.until("open", 1)).toEqual({ recovered: false });
  expect(self.lost.sort()).toEqual(["group:a", "user"]);
});
