import fc from "fast-check";
import { textFrame } from "./frames.ts";
import { type Ground, openGround } from "./ground.ts";
import { NAME_USES } from "./name-events.ts";
import { oddIds } from "./odd-text.ts";
import { OpenLine } from "./open-line.ts";
import { RUNS as ALL_RUNS, forAll, LIMIT_MS } from "./runs.ts";

/** Each is several commands, one after the other. */
const RUNS = Math.min(ALL_RUNS, 2_000);
const ANSWER_MS = 20_000;
/** Each line has its own session and memberships, and serves one case at a time. */
const USERS = Array.from({ length: 8 }, (_, at) => `mallory ${at}`);

/** Whether a string has no lone surrogate. */
function isText(name: string): boolean {
  return Buffer.from(name).toString() === name;
}

/** Whether a name is valid for a group or a user. */
function isName(name: string): boolean {
  return name.length >= 1 && name.length <= 256 && isText(name);
}

interface Answer {
  readonly status: string;
  readonly data: Record<string, unknown>;
}

/** Makes a connection use a name, and returns the result. */
async function use(port: number, cookie: string, by: string, name: string): Promise<Answer> {
  const open = await OpenLine.to(port, cookie);
  try {
    await open.line.send(textFrame(JSON.stringify({ event_type: `name.${by}`, id: 1, data: { name } })));
    const text = await open.line.until(
      () =>
        open.texts.find((each) => each.startsWith('{"id":1')) ?? (open.line.isClosed ? "closed" : undefined),
      ANSWER_MS,
      "answer",
    );
    return JSON.parse(text);
  } finally {
    open.end();
  }
}

/** The required result of a use. */
function expected(by: string, name: string, user: string): unknown {
  const refused = { refused: expect.stringMatching(/^TypeError/) };
  if (by === "group")
    return isName(name) ? { isIn: true, isMember: true, members: expect.arrayContaining([user]) } : refused;
  if (by === "user") return isName(name) ? { sessions: USERS.includes(name) ? 1 : 0 } : refused;
  if (by === "data") return isText(name) ? { value: { name }, after: null } : refused;
  return name in Object.create({ cookie: {} }) ? { isTaken: true } : expect.objectContaining({});
}

describe("names and ids of every kind", () => {
  let ground: Ground;
  let free: { user: string; cookie: string }[];
  beforeAll(async () => {
    ground = await openGround();
    free = await Promise.all(USERS.map(async (user) => ({ user, cookie: await ground.logIn(user) })));
  });
  afterAll(() => ground.close());

  test(
    `${RUNS} names of groups, users, data and sessions are used unchanged or refused as misuse`,
    async () => {
      const cases = fc.record({ by: fc.constantFrom(...NAME_USES), name: oddIds });
      await ground.endure(() =>
        forAll(
          cases,
          async ({ by, name }) => {
            const visitor = free.pop() as (typeof free)[number];
            try {
              const { status, data } = await use(ground.port, visitor.cookie, by, name);
              expect({ by, name, status, data }).toEqual({
                ...{ by, name, status: "success" },
                data: expected(by, name, visitor.user),
              });
              if (by === "session" && !data.isTaken) expect(data).toEqual({ value: name });
            } finally {
              free.push(visitor);
            }
          },
          { atOnce: USERS.length, runs: RUNS },
        ),
      );
    },
    LIMIT_MS,
  );

  test(
    `${RUNS} ids of users who log in are used unchanged or refused`,
    async () => {
      await ground.endure(() =>
        forAll(
          oddIds,
          async (user) => {
            const headers = { "Content-Type": "application/json" };
            const options = { method: "POST", headers, body: JSON.stringify({ user }) };
            const answer = await fetch(`${ground.url}/log-in`, options);
            expect({ user, isIn: answer.status === 200 }).toEqual({ user, isIn: isName(user) });
            if (!isName(user)) expect(await answer.text()).toContain("TypeError");
            const cookie = answer.headers.getSetCookie().map((line) => line.split(";", 1)[0] as string);
            const me = await fetch(`${ground.url}/me`, { headers: { cookie: cookie.join("; ") } });
            expect(await me.json()).toEqual({ user: isName(user) ? user : null });
          },
          { atOnce: USERS.length, runs: RUNS },
        ),
      );
    },
    LIMIT_MS,
  );
});
