import { backends } from "./example-process.ts";
import { PASSWORDS, runExample, type Visitor } from "./visitors.ts";

const NAMES = [
  "nobody",
  "root",
  "__proto__",
  "constructor",
  "toString",
  "password:ada",
  "ada\0",
  "\0ada",
  "ada grace",
  "secret",
  "*",
  "x".repeat(128),
];

/** Once, the first let anybody in under any unknown name: an unknown user's password was compared with it. */
const PASSWORD_GUESSES = [
  "nobody",
  "NOBODY",
  PASSWORDS.ada,
  "undefined",
  "[object Object]",
  "x".repeat(72),
  "nobody\0nobody",
  "nobody\0",
];

const NO_TEXT = [undefined, null, "", 0, true, [], ["nobody"], { toString: "nobody" }];

const SIGNED_OUT = { user: null, devices: [] };

async function expectRefused(visitor: Visitor, json: object, statuses: number[]): Promise<void> {
  const { status } = await visitor.post("/api/sign-in", { json });
  expect({ json, isRefused: statuses.includes(status), status }).toMatchObject({ isRefused: true });
  expect(visitor.cookies.size).toBe(0);
  expect(await visitor.account()).toMatchObject(SIGNED_OUT);
}

describe.each(backends)("an unknown user, in the example on $name", ({ env }) => {
  const visitor = runExample(env);

  test.each(PASSWORD_GUESSES)("never signs in with the password %j", async (password) => {
    const browser = visitor();
    for (const user of NAMES) await expectRefused(browser, { user, password }, [400, 401]);
  });

  test("never signs in with a password that is missing or not a string", async () => {
    const browser = visitor();
    for (const user of ["nobody", "ada", ...NO_TEXT]) {
      for (const password of NO_TEXT) await expectRefused(browser, { user, password }, [400]);
    }
    for (const user of NO_TEXT) await expectRefused(browser, { user, password: "nobody" }, [400]);
    for (const user of ["x".repeat(129), " ", "\n"])
      await expectRefused(browser, { user, password: "nobody" }, [400]);
  });

  test("is answered in about the time of a wrong password", async () => {
    const browser = visitor();
    const quickestMs: Record<string, number> = {};
    for (let round = 0; round < 5; round++) {
      for (const user of ["ada", "nobody"]) {
        const startedAt = performance.now();
        expect((await browser.trySignIn(user, "wrong password")).status).toBe(401);
        quickestMs[user] = Math.min(quickestMs[user] ?? Infinity, performance.now() - startedAt);
      }
    }
    const ratio = (quickestMs.nobody as number) / (quickestMs.ada as number);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });
});

describe.each(backends)("a user of the example on $name", ({ env }) => {
  const visitor = runExample(env);
  // bcrypt accepts these as the password itself: it repeats the password, with a NUL in between, up to 72 bytes.
  const repeated = `${PASSWORDS.ada}\0${PASSWORDS.ada}`;

  test("signs in only with the password itself, not with one that bcrypt considers equal", async () => {
    const browser = visitor();
    for (const password of [repeated, "nobody", `${PASSWORDS.ada}\0`])
      await expectRefused(browser, { user: "ada", password }, [400, 401]);
    await browser.signIn("ada");
  });

  test("changes the password only with the password itself", async () => {
    const browser = visitor();
    await browser.signIn("ada");
    for (const current of ["nobody", repeated]) {
      const { status } = await browser.changePassword(current, "difference engine");
      expect([400, 403]).toContain(status);
    }
    expect((await browser.changePassword(PASSWORDS.ada, "difference\0engine")).status).toBe(400);
    await visitor().signIn("ada");
  });
});
