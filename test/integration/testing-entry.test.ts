import { join } from "node:path";
import { type PackedProject, packedProject } from "../support/packed-project.ts";
import { uniquePrefix } from "../support/redis-client.ts";

const limitMs = 300_000;

/** The least number of tests in all suites. */
const manyTests = 250;

let project: PackedProject;

beforeAll(async () => {
  project = await packedProject();
}, 60_000);

afterAll(() => project?.remove());

function fixture(name: string): string {
  return join("test/integration/testing-entry", name);
}

/** The output of failed tests. */
function failures(output: string): string[] {
  return output.split("\n").filter((line) => /^\s*(not ok|error:)/.test(line));
}

describe("the entry /testing of the packed package, on node:test", () => {
  it.each([
    ["memory", () => ({})],
    ["Redis", () => ({ REDIS_URL: process.env.REDIS_URL ?? "", REDIS_PLACE: uniquePrefix("testing-entry") })],
  ])(
    "passes the backend in %s",
    async (_, env) => {
      const { code, output, tests, failed } = await project.test(fixture("all-suites.js"), env());
      expect({ failures: failures(output), failed, code }).toEqual({ failures: [], failed: 0, code: 0 });
      expect(tests).toBeGreaterThan(manyTests);
    },
    limitMs,
  );

  it(
    "fails a broken implementation",
    async () => {
      const { code, output, tests, failed } = await project.test(fixture("broken-registry.js"));
      expect(code).toBe(1);
      expect(failed).toBeGreaterThan(3);
      expect(failed).toBeLessThan(tests);
      expect(output).toMatch(/not ok \d+ - distinguishes the first connection of a user from further ones/);
    },
    limitMs,
  );

  it("asks for a runner if there are no globals", async () => {
    const { code, output } = await project.test(fixture("no-runner.js"));
    expect(code).toBe(1);
    expect(output).toContain('TypeError: describeMemberships: there are no global "describe" and "it"');
    expect(output).toContain('pass "runner: { describe, it }"');
  });
});
