import { eventually } from "../support/eventually.ts";
import { backends } from "./example-process.ts";
import { count, type Device, runExample, type Visitor } from "./visitors.ts";

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

  test("are listed for their user only, the latest first", async () => {
    const others = visitor();
    await others.signIn("grace");
    const first = await laptop.openTab();
    const second = await laptop.openTab();

    const ofLaptop = {
      userAgent: FIREFOX,
      ip: "127.0.0.1",
      createdAt: expect.any(Number),
      lastSeenAt: expect.any(Number),
      expiresAt: expect.any(Number),
      connections: 2,
      current: true,
    };
    const ofPhone = { ...ofLaptop, userAgent: undefined, connections: 0, current: false };
    expect(await laptop.devices()).toEqual([ofPhone, ofLaptop]);
    expect(await phone.devices()).toMatchObject([{ current: true }, { current: false }]);

    first.close();
    await eventually(async () => {
      expect((await phone.devices())[1]).toMatchObject({ connections: 1 });
    });
    second.close();
  });

  test("do not reveal the ids of sessions", async () => {
    const { body } = await laptop.get("/api/account");
    for (const { cookies } of [laptop, phone]) {
      const sid = decodeURIComponent(cookies.get("connect.sid") as string)
        .slice(2)
        .split(".", 1)[0] as string;
      expect(sid.length).toBeGreaterThan(20);
      expect(body).not.toContain(sid);
    }
  });

  test("are not listed for a visitor who has not signed in", async () => {
    const stranger = visitor();
    const [device] = (await laptop.devices()) as [Device];
    expect(await stranger.devices()).toEqual([]);
    for (const path of [`/api/devices/${device.createdAt}/sign-out`, "/api/devices/sign-out-others"]) {
      expect((await stranger.post(path)).status).toBe(401);
      const foreign = await laptop.post(path, { headers: { "sec-fetch-site": "cross-site" } });
      expect(foreign.status).toBe(403);
    }
    expect(await laptop.devices()).toHaveLength(2);
  });

  test("can be signed out one by one, which ends only that session and its connections", async () => {
    const open = await laptop.openTab();
    const ended = await phone.openTab();
    const [device] = (await laptop.devices()) as [Device];

    expect((await laptop.signOutDevice(device)).status).toBe(204);
    await phone.expectSignedOut(ended);
    expect(await laptop.devices()).toMatchObject([{ current: true, connections: 1 }]);
    await count(open);
    expect(await laptop.account()).toMatchObject({ webSocketCount: 1 });
    expect((await laptop.signOutDevice(device)).status).toBe(404);
    open.close();
  });

  test("of another user are not found, and stay", async () => {
    const others = visitor();
    await others.signIn("grace");
    const [device] = (await laptop.devices()) as [Device];
    expect((await others.signOutDevice(device)).status).toBe(404);
    expect((await others.post("/api/devices/nothing/sign-out")).status).toBe(404);
    expect(await laptop.devices()).toHaveLength(2);
  });

  test("can all be signed out but the current one, which does not affect other users", async () => {
    const others = visitor();
    await others.signIn("grace");
    const tablet = visitor();
    await tablet.signIn("ada");
    const open = await laptop.openTab();
    const ofPhone = await phone.openTab();
    const ofTablet = await tablet.openTab();

    const response = await laptop.post("/api/devices/sign-out-others");
    expect(response.json()).toMatchObject({ sessionsDeleted: 2 });
    await phone.expectSignedOut(ofPhone);
    await tablet.expectSignedOut(ofTablet);
    await count(open);
    expect(await laptop.account()).toMatchObject({ user: "ada", webSocketCount: 1 });
    expect(await laptop.devices()).toHaveLength(1);
    expect(await others.account()).toMatchObject({ user: "grace" });
    open.close();
  });
});
