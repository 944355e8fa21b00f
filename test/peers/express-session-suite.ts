/**
 * Runs express-session's own tests, its `test/session.js`, against the built package:
 *
 *     npm run build && npx tsx test/peers/express-session-suite.ts <a checkout of expressjs/session, with npm install done>
 *
 * Ends with 1 if a test fails that is not known to, or if one passes that is.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import type { SessionMiddlewareOptions } from "../../lib/index.ts";

const { sessionMiddleware } = (await import(
  new URL("../../dist/index.js", import.meta.url).href
)) as typeof import("../../lib/index.ts");

/** What express-session does unless it is told otherwise, and its tests count on. */
const theirDefaults: SessionMiddlewareOptions = { resave: true, saveUninitialized: true, touchAfterMs: 0 };

/** Tests that fail because the package does otherwise, each with what it does: the rows of "What differs" in docs/api.md. */
const knownDifferences: Readonly<Record<string, string>> = {
  "session() should pass session fetch error":
    "a store that fails is ERR_STORE_UNAVAILABLE, with status 503 and the store's error as its cause",
  "session() when session without cookie property in store should pass error from inflate":
    "data that is no session gives a fresh session, and an error event",
  "session() resave option when false should pass session touch error":
    "a touch that fails is an error event: next is not called for a response that is under way",
  "session() saveUninitialized option should pass session save error":
    "a session that could not be saved makes the response 503: it was not sent yet",
  "session() unset option should pass session destroy error":
    "a session that was never stored is not destroyed in the store",
  "session() res.end patch should error when res.end is called twice":
    "headers that are set while a response waits for its save have no effect, and no error",
  "session() req.session .cookie .* should forward errors setting cookie":
    "a cookie that cannot be written is an error event: next is not called for a response that is under way",
};

interface Test {
  fullTitle(): string;
}

interface Runner {
  on(event: "pass" | "fail", listener: (test: Test, error: Error) => void): void;
}

interface Suite {
  addFile(file: string): void;
  reporter(reporter: new (runner: Runner) => object): void;
  run(done: () => void): void;
}

const [checkout] = process.argv.slice(2).map((path) => resolve(path));
if (!checkout || !existsSync(join(checkout, "test/session.js"))) {
  console.error("usage: tsx test/peers/express-session-suite.ts <checkout of expressjs/session>");
  process.exit(2);
}

const require = createRequire(join(checkout, "package.json"));
// As their `npm test` does: the certificates of one test, and no words on what is deprecated.
if (!existsSync(join(checkout, "test/fixtures/server.crt")))
  execFileSync(join(checkout, "test/support/gencert.sh"), { cwd: checkout, stdio: "ignore" });
process.env.NO_DEPRECATION = "express-session";

/** Their module as their tests require it: the classes are theirs, the middleware is ours. */
const theirs = require(checkout) as object;
const ours = Object.assign(
  (options?: SessionMiddlewareOptions) => sessionMiddleware({ ...theirDefaults, ...options }),
  theirs,
);
const loaded = require.cache[require.resolve(checkout)];
if (!loaded) throw new Error("express-session is not where its tests require it from");
loaded.exports = ours;
// Error events that nobody hears are warnings.
process.removeAllListeners("warning");

const Mocha = require("mocha") as new (options: object) => Suite;
const mocha = new Mocha({ checkLeaks: true });
mocha.addFile(join(checkout, "test/session.js"));

let passed = 0;
const failed: { title: string; why: string }[] = [];
mocha.reporter(
  class {
    constructor(runner: Runner) {
      runner.on("pass", () => passed++);
      runner.on("fail", (test, { message }) => failed.push({ title: test.fullTitle(), why: message }));
    }
  },
);

mocha.run(() => {
  console.log(`${passed} of ${passed + failed.length} of express-session's tests pass`);
  const unknown = failed.filter(({ title }) => !Object.hasOwn(knownDifferences, title));
  for (const { title, why } of unknown) console.log(`\nfails: ${title}\n  ${why.replaceAll("\n", "\n  ")}`);
  const titles = failed.map(({ title }) => title);
  const gone = Object.keys(knownDifferences).filter((title) => !titles.includes(title));
  for (const title of gone) console.log(`\npasses, or is no more, and is listed as a difference: ${title}`);
  console.log("\nknown to fail:");
  for (const title of titles) {
    const reason = knownDifferences[title];
    if (reason) console.log(`- ${title}\n  ${reason}`);
  }
  process.exit(unknown.length + gone.length === 0 ? 0 : 1);
});
