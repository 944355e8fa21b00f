import { inspect } from "node:util";
import { knownOptions } from "../../lib/options/options-check.ts";
import { backendSubjects, nodeSubject } from "./backends.ts";
import { clientSubject } from "./client.ts";
import { compressionSubjects } from "./compression.ts";
import { backend, connectionSubjects } from "./connections.ts";
import { sessionSubjects } from "./sessions.ts";
import type { Subject } from "./subject.ts";
import { suiteSubjects } from "./suites.ts";

const checked = [
  ...sessionSubjects,
  ...connectionSubjects,
  ...compressionSubjects,
  ...backendSubjects,
  ...suiteSubjects,
];
const subjects: readonly Subject[] = [...checked, nodeSubject, clientSubject];

afterAll(() => backend.close());

/** The error for some options, if there is one. */
async function failureOf(
  { make, base }: Subject,
  options: unknown,
  isAlone = false,
): Promise<Error | undefined> {
  try {
    await make(isAlone ? options : { ...base, ...(options as object) });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function cases(kind: "right" | "wrong"): [name: string, value: string, subject: Subject, given: object][] {
  return subjects.flatMap((subject) =>
    Object.entries(subject.rows).flatMap(([name, row]) =>
      row[kind].map((value): [string, string, Subject, object] => [
        `${subject.whose}: ${name}`,
        inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY }).slice(0, 60),
        subject,
        { [name]: value },
      ]),
    ),
  );
}

test("each option of each factory has rows in this table", () => {
  const rowsOf = (all: Iterable<[string, object]>) =>
    Object.fromEntries([...all].map(([whose, rows]) => [whose, Object.keys(rows).sort()]).sort());
  // The client has no table, and the result of a cookie function shares the table of the cookie.
  const withRows = subjects.filter(({ whose }) => !/realtimeClient|function/.test(whose));
  expect(rowsOf(withRows.map(({ whose, rows }): [string, object] => [whose, rows]))).toEqual(
    rowsOf(knownOptions()),
  );
});

test.each(subjects)(
  "$whose accepts each right value, and undefined for each option that has a default",
  async (subject) => {
    for (const [name, { right, wrong }] of Object.entries(subject.rows)) {
      expect([right.length, wrong.length]).toEqual([expect.any(Number), expect.any(Number)]);
      expect(Math.min(right.length, wrong.length)).toBeGreaterThan(0);
      // These defaults are globals. Here a suite would declare its tests, and Node 20 has no WebSocket.
      const isGlobal = ["runner", "WebSocket"].includes(name);
      const given = wrong.includes(undefined) || isGlobal ? right : [...right, undefined];
      for (const value of given)
        expect([name, value, await failureOf(subject, { [name]: value })]).toEqual([name, value, undefined]);
    }
  },
);

// Once, most of them were accepted, and had no effect, a wrong effect, or made the first request fail.
test.each(cases("wrong"))("%s is a TypeError for %s", async (_name, _value, subject, given) => {
  const { whose, factory = whose, path = "" } = subject;
  const failure = await failureOf(subject, given);
  expect(failure).toBeInstanceOf(TypeError);
  expect(failure?.message).toMatch(`${factory}: option "${path}${Object.keys(given)[0]}" must be `);
});

describe.each(checked)("$whose", (subject) => {
  const { whose, factory = whose, path = "" } = subject;

  // Once, unknown options were ignored.
  test("refuses each option in another spelling, and names the intended one", async () => {
    for (const name of Object.keys(subject.rows)) {
      for (const other of [name.toUpperCase(), `${name.slice(0, 1)}_${name.slice(1)}`]) {
        const failure = await failureOf(subject, { [other]: 1 });
        expect(failure).toBeInstanceOf(TypeError);
        expect(failure?.message).toContain(
          `${factory}: unknown option "${path}${other}"; did you mean "${name}"?`,
        );
      }
    }
  });

  test("lists the known options for an unknown one that resembles none of them", async () => {
    const failure = await failureOf(subject, { qqqqqq: undefined });
    expect(failure).toBeInstanceOf(TypeError);
    expect(failure?.message).toContain(`${factory}: unknown option "${path}qqqqqq"; there are `);
    for (const name of Object.keys(subject.rows)) expect(failure?.message).toContain(`"${name}"`);
  });

  test("leaves the given options unchanged, and ignores symbols and members that all objects inherit", async () => {
    const options = Object.freeze({ ...subject.base, [Symbol("a")]: 1 });
    const polluted = Object.prototype as unknown as Record<string, unknown>;
    const [first = ""] = Object.keys(subject.rows).filter((name) => !(name in Object(subject.base)));
    Object.assign(polluted, {
      qqqqqq: 1,
      ...(first && !(first in polluted) ? { [first]: Symbol("a") } : {}),
    });
    try {
      expect(await failureOf(subject, options, true)).toBeUndefined();
    } finally {
      Reflect.deleteProperty(polluted, "qqqqqq");
      Reflect.deleteProperty(polluted, first);
    }
  });

  test("accepts options of a class, from getters and inherited, and refuses wrong ones there", async () => {
    for (const [name, { right, wrong }] of Object.entries(subject.rows)) {
      const [good, bad] = [right[0], wrong.find((value) => value !== undefined)];
      const givers = [
        (value: unknown) => Object.create({ ...subject.base, [name]: value }) as object,
        (value: unknown) => {
          class Options {}
          Object.defineProperty(Options.prototype, name, { get: () => value });
          return Object.assign(new Options(), subject.base && { ...subject.base, [name]: value });
        },
      ];
      for (const options of givers.slice(0, subject.base ? 1 : 2)) {
        expect(await failureOf(subject, options(good), true)).toBeUndefined();
        expect((await failureOf(subject, options(bad), true))?.message).toContain(`option "${path}${name}"`);
      }
    }
  });
});

// Once, null and strings counted as no options at all, so cookieMiddleware("secret") signed nothing.
test.each(subjects.filter(({ path, whose }) => !path && whose !== "Node" && !whose.includes("function")))(
  "options of $whose must be an object",
  async (subject) => {
    const { whose } = subject;
    for (const options of [null, "text", 7, true, [], () => {}, new Map(), Promise.resolve({})]) {
      const failure = await failureOf(subject, options, true);
      expect(failure).toBeInstanceOf(TypeError);
      expect(failure?.message).toContain(`${whose}: `);
      if (whose !== "realtimeClient") expect(failure?.message).toContain("options must be an object");
    }
  },
);
