import { eventually } from "../support/eventually.ts";
import { backends } from "./example-process.ts";
import { COUNT, runExample, state, type Visitor } from "./visitors.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

describe.each(backends)("the devices of the example on $name", ({ env }) => {
  const visitor = runExample(env);
  let laptop: Visitor;
  let phone: Visitor;

  beforeEach(async () => {
    laptop = visitor({ userAgent: FIREFOX });
    await laptop.signIn("ada");
    await laptop.post("/api/devices/sign-out-others");
    phone = visitor();
    await phone.signIn("ada");
  });

  test("are listed with the latest first, for their user only", async () => {
    const others = visitor();
    await others.signIn("grace");
    const { ws: first } = await laptop.openTab();
    const { ws: second } = await laptop.openTab();

    const ofLaptop = {
      id: expect.any(String),
      browser: "Firefox on Linux",
      ip: "127.0.0.1",
      signedInAt: expect.stringMatching(/^\d{4}-.*Z$/),
      lastSeenAt: expect.stringMatching(/^\d{4}-.*Z$/),
      connections: 2,
      isThis: true,
    };
    const ofPhone = { ...ofLaptop, browser: "Unknown browser", connections: 0, isThis: false };
    expect(await laptop.devices()).toEqual([ofPhone, ofLaptop]);
    expect(await phone.devices()).toMatchObject([{ isThis: true }, { isThis: false }]);

    first.close();
    await eventually(async () => {
      expect((await phone.devices())[1]).toMatchObject({ connections: 1 });
    });
    second.close();
  });

  test("do not give away the ids of sessions", async () => {
    const { body } = await laptop.get("/api/devices");
    for (const { cookies } of [laptop, phone]) {
      const sid = decodeURIComponent(cookies.get("connect.sid") as string)
        .slice(2)
        .split(".", 1)[0] as string;
      expect(sid.length).toBeGreaterThan(20);
      expect(body).not.toContain(sid);
    }
  });

  test("are nobody's business who has not signed in", async () => {
    const stranger = visitor();
    const [{ id }] = (await laptop.devices()) as [{ id: string }];
    expect((await stranger.get("/api/devices")).status).toBe(401);
    for (const path of [`/api/devices/${id}/sign-out`, "/api/devices/sign-out-others"]) {
      expect((await stranger.post(path)).status).toBe(401);
      const foreign = await laptop.post(path, { headers: { "sec-fetch-site": "cross-site" } });
      expect(foreign.status).toBe(403);
    }
    expect(await laptop.devices()).toHaveLength(2);
  });

  test("signing one out ends its session and connections, and no other", async () => {
    const { ws: open } = await laptop.openTab();
    const { ws: ended } = await phone.openTab();
    const [{ id }] = (await laptop.devices()) as [{ id: string }];

    expect((await laptop.post(`/api/devices/${id}/sign-out`)).status).toBe(204);
    await phone.expectSignedOut(ended);
    expect(await laptop.devices()).toMatchObject([{ isThis: true, connections: 1 }]);
    open.send(COUNT);
    expect(await state(open)).toMatchObject({ webSocketCount: 1 });
    expect((await laptop.post(`/api/devices/${id}/sign-out`)).status).toBe(404);
    open.close();
  });

  test("another user's is not found, and stays", async () => {
    const others = visitor();
    await others.signIn("grace");
    const [{ id }] = (await laptop.devices()) as [{ id: string }];
    expect((await others.post(`/api/devices/${id}/sign-out`)).status).toBe(404);
    expect((await others.post("/api/devices/nothing/sign-out")).status).toBe(404);
    expect(await laptop.devices()).toHaveLength(2);
  });

  test("signing all others out leaves this one and other users", async () => {
    const others = visitor();
    await others.signIn("grace");
    const tablet = visitor();
    await tablet.signIn("ada");
    const { ws: open } = await laptop.openTab();
    const { ws: ofPhone } = await phone.openTab();
    const { ws: ofTablet } = await tablet.openTab();

    const response = await laptop.post("/api/devices/sign-out-others");
    expect(response.json()).toEqual({ sessionsEnded: 2 });
    await phone.expectSignedOut(ofPhone);
    await tablet.expectSignedOut(ofTablet);
    open.send(COUNT);
    expect(await state(open)).toMatchObject({ name: "Ada", webSocketCount: 1 });
    expect(await laptop.devices()).toHaveLength(1);
    expect(await others.session()).toMatchObject({ name: "Grace" });
    open.close();
  });
});
