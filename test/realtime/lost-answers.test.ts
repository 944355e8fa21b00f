import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { answerNext, handshakeStatus, lost } from "../users/support.ts";
import { connect, open, places, type Served, serve, signIn } from "./support.ts";

const HOW: [how: string, answer: (answered: unknown) => unknown][] = [
  ["is an error", lost],
  ["never comes", () => new Promise(() => {})],
  ["comes too late", (answered) => new Promise((resolve) => setTimeout(resolve, 600, answered))],
];

// Once, a user was reported offline without an earlier online, or never online, or never offline.
describe.each(places)("on $place, an answer of the registry that", ({ open: openPlace }) => {
  describe.each(HOW)("%s", (_how, answer) => {
    let backend: Backend;
    let served: Served;
    let told: string[];

    beforeEach(async () => {
      told = [];
      backend = await openPlace();
      served = await serve({
        backend,
        session: { timeoutMs: 300 },
        realtime: { graceMs: 400 },
        setUp: (chat) =>
          chat
            .on("online", (userId) => void told.push(`online ${userId}`))
            .on("offline", (userId) => void told.push(`offline ${userId}`)),
      });
    });

    const isGone = () =>
      eventually(async () => expect(await backend.registry.online(["ada"])).toEqual([false]), {
        withinMs: 10_000,
      });

    test("and belongs to an arrival leaves no connection and emits nothing", async () => {
      const browser = await signIn(served);
      answerNext(backend.registry, "arrive", answer);
      expect(await handshakeStatus(browser)).toBe(503);
      served.errors.splice(0);
      await isGone();
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      expect(told).toEqual([]);
    });

    test("and belongs to an arrival lets the user come online once with the next connection, and go offline after it", async () => {
      const browser = await signIn(served);
      answerNext(backend.registry, "arrive", answer);
      expect(await handshakeStatus(browser)).toBe(503);
      served.errors.splice(0);
      const { ws } = await open(served, browser);
      await eventually(() => expect(told).toEqual(["online ada"]), { withinMs: 5_000 });
      ws.close();
      await eventually(() => expect(told).toEqual(["online ada", "offline ada"]), { withinMs: 10_000 });
    });

    test.each(["first", "deciding"])(
      "and belongs to the %s step of a departure takes the user offline once",
      async (step) => {
        const { ws } = await connect(served, "ada");
        await eventually(() => expect(told).toEqual(["online ada"]));
        if (step === "first") answerNext(backend.registry, "depart", answer);
        ws.close();
        if (step === "deciding") {
          await new Promise((resolve) => setTimeout(resolve, 150));
          answerNext(backend.registry, "depart", answer);
        }
        await eventually(() => expect(told).toEqual(["online ada", "offline ada"]), { withinMs: 10_000 });
        await isGone();
        await new Promise((resolve) => setTimeout(resolve, 1_200));
        expect(told).toEqual(["online ada", "offline ada"]);
        served.failures.splice(0);
      },
    );
  });
});
