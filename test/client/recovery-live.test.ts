import { eventually } from "../support/eventually.ts";
import { scene, settled } from "./recovery-scene.ts";

test("a gap in live messages is filled, and nothing is given twice", async () => {
  const self = await scene({}, ({ tell }) => tell("first", { user: { epoch: "e", offset: 0 } }));
  const { live, say, asked, answer, heard } = self;
  for (const offset of [1, 1, 4, 3, 6]) live(offset);
  say({ event_type: "session.passed", data: { channel: "user", offset: 7 } });
  live(8);
  await eventually(() => expect(asked).toHaveLength(1));
  expect(asked[0]?.data).toMatchObject({ after: 1, upTo: 3 });
  answer(0, [2, 3]);
  await eventually(() => expect(asked[1]?.data).toMatchObject({ after: 4, upTo: 5 }));
  answer(1, []);
  await eventually(() => expect(heard).toEqual([1, 2, 3, 4, 6, 8]));
});

test("session.lost moves the position, and no listener of events hears the four types", async () => {
  const self = await scene({}, ({ tell }) => tell("first", { user: { epoch: "e", offset: 0 } }));
  const types = ["session.positions", "session.passed", "session.lost", "session.history"];
  for (const type of types) self.client.on(type, () => self.heard.push(type));
  self.client.on("session.own", () => self.heard.push("own"));
  self.live(1);
  self.say({ event_type: "session.lost", data: { channel: "user", epoch: "f", offset: 7 } });
  self.say({ event_type: "session.history", data: {} });
  self.say({ event_type: "session.own", data: {} });
  self.live(8);
  await eventually(() => expect(self.heard).toEqual([1, "own", 8]));
  expect(self.lost).toEqual(["user"]);
});

test("close() forgets the positions, reconnect() does not", async () => {
  const self = await scene({}, ({ tell }) => tell("any", { user: { epoch: "e", offset: 4 } }));
  await settled(self);
  self.client.reconnect();
  expect(await self.until("open", 1)).toEqual({ recovered: true });
  self.client.close();
  const from = self.states.length;
  self.client.reconnect();
  expect(await self.until("open", from)).toEqual({});
});

test("beyond 1,000 waiting messages, newer ones are read from the history", async () => {
  const self = await scene({}, ({ tell }) => tell("first", { user: { epoch: "e", offset: 0 } }));
  for (let offset = 2; offset <= 1_010; offset++) self.live(offset);
  await settled(self);
  await eventually(() => expect(self.asked).toHaveLength(1));
  self.answer(0, [1]);
  await eventually(() => expect(self.asked[1]?.data).toMatchObject({ after: 1_001, upTo: 1_010 }));
  expect(self.heard).toEqual(Array.from({ length: 1_001 }, (_, index) => index + 1));
});

test("of more than 2,000 channels, the one that was quiet for longest is forgotten", async () => {
  const channels = Object.fromEntries(
    Array.from({ length: 2_001 }, (_, n) => [`group:${n}`, { epoch: "e", offset: 0 }]),
  );
  const self = await scene({}, ({ tell }) => tell("first", channels));
  self.live(3, "group:0");
  self.live(3, "group:1");
  await eventually(() => expect(self.asked).toHaveLength(1));
  expect(self.asked[0]?.data.channel).toBe("group:1");
  expect(self.heard).toEqual([3]);
});

test("4 channels ask at once, before queued messages, and no more than 25 in 300 ms", async () => {
  let connections = 0;
  const names = Array.from({ length: 60 }, (_, n) => `group:${n}`);
  const at = (offset: number) => Object.fromEntries(names.map((name) => [name, { epoch: "e", offset }]));
  const self = await scene({}, ({ tell }) => tell("any", at(connections++)));
  await settled(self);
  self.drop();
  await self.until("waiting");
  await eventually(() => expect(self.asked).toHaveLength(4));
  await settled(self);
  expect(self.asked).toHaveLength(4);
  const begin = performance.now();
  for (let index = 0; index < names.length; index++) {
    await eventually(() => expect(self.asked.length).toBeGreaterThan(index));
    self.answer(index, [1]);
  }
  expect(await self.until("open", 1)).toEqual({ recovered: true });
  // 60 requests are two whole slices, and a part of a third one.
  expect(performance.now() - begin).toBeGreaterThan(500);
});
