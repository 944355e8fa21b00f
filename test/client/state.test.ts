import { type ClientState, realtimeClient } from "../../lib/client.ts";
import { eventually } from "../support/eventually.ts";
import { afterThisTest, connectClient, serveBehindRelay, serveChat } from "./support.ts";

/** Replaces the page's `reportError` until the end of the test. */
function reported(): unknown[] {
  const errors: unknown[] = [];
  Object.assign(globalThis, { reportError: (error: unknown) => errors.push(error) });
  afterThisTest(() => Reflect.deleteProperty(globalThis, "reportError"));
  return errors;
}

test("is the state that listeners received last, from connecting on", async () => {
  const { line } = await serveBehindRelay();
  const { client, states, until } = connectClient({ url: line.url });
  expect(client.state).toBe("connecting");
  const told: ClientState[] = [];
  client.onState((state) => {
    expect(client.state).toBe(state);
    told.push(state);
  });
  await until("open");
  line.cut();
  await until("open", 1);
  client.close();
  expect(told).toEqual(["open", "waiting", "connecting", "open", "ended"]);
  expect(states.map(([state]) => state)).toEqual(told);
});

test("is not passed to a removed listener", async () => {
  const { wsUrl } = await serveChat();
  const { client, until } = connectClient({ url: wsUrl });
  const told: string[] = [];
  const listener = (state: string) => told.push(state);
  client.onState(listener);
  await until("open");
  client.offState(listener);
  client.close();
  expect(told).toEqual(["open"]);
});

test("still changes when listeners throw, and their errors are reported", async () => {
  const errors = reported();
  const { line } = await serveBehindRelay();
  const { until, client } = connectClient({ url: line.url });
  client.onState((state) => {
    throw new Error(state);
  });
  await until("open");
  line.cut();
  await until("open", 1);
  expect(errors).toEqual(["open", "waiting", "connecting", "open"].map((state) => new Error(state)));
});

test("an event listener that throws stops neither other listeners nor the connection", async () => {
  const errors = reported();
  const { wsUrl, connections } = await serveChat();
  const { client, states, until } = connectClient({ url: wsUrl });
  const heard: unknown[] = [];
  client
    .on("news", () => {
      throw new Error("no news");
    })
    .on("news", (data) => heard.push(data));
  await until("open");
  await eventually(() => expect(connections).toHaveLength(1));
  connections[0]?.send("news", { n: 1 });
  connections[0]?.send("news", { n: 2 });
  await eventually(() => expect(heard).toEqual([{ n: 1 }, { n: 2 }]));
  expect(errors).toEqual([new Error("no news"), new Error("no news")]);
  expect(states).toHaveLength(1);
});

test("without reportError, an error of a listener is an uncaught error", async () => {
  const { wsUrl } = await serveChat();
  const thrown: (() => void)[] = [];
  const queued = jest.spyOn(globalThis, "queueMicrotask").mockImplementation((step) => {
    if (String(step).includes("throw")) thrown.push(step);
  });
  try {
    const { client, until } = connectClient({ url: wsUrl });
    const listener = () => {
      throw new Error("thrown");
    };
    client.onState(listener);
    await until("open");
    client.offState(listener);
    expect(thrown).toHaveLength(1);
    expect(thrown[0]).toThrow("thrown");
  } finally {
    queued.mockRestore();
  }
});

test("a WebSocket class that throws makes the factory throw, and later counts as a lost connection", async () => {
  const { WebSocket } = await import("ws");
  let isForbidden = true;
  class Forbidden extends WebSocket {
    constructor(url: string) {
      if (isForbidden) throw new Error("forbidden by the page's policy");
      super(url);
    }
  }
  expect(() => realtimeClient({ url: "ws://127.0.0.1:9/ws", WebSocket: Forbidden })).toThrow("forbidden by");
  isForbidden = false;
  const { line } = await serveBehindRelay();
  const { until } = connectClient({ url: line.url, WebSocket: Forbidden });
  await until("open");
  isForbidden = true;
  line.cut();
  await eventually(async () =>
    expect((await until("waiting", 2)).reason).toBe("Error: forbidden by the page's policy"),
  );
  isForbidden = false;
  await until("open", 1);
});
