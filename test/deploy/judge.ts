import { within } from "../support/within.ts";
import type { Load } from "./load.ts";
import type { Report } from "./report.ts";
import type { Visitor } from "./visitor.ts";

/** Resolves once all visitors are answered: those who are away, when they are back. */
export async function whereabouts(visitors: readonly Visitor[]): Promise<Map<Visitor, number>> {
  const answers = visitors.map(async (visitor) => {
    for (;;) {
      const answer = await visitor.who().catch(() => undefined);
      if (answer?.user === visitor.user) return [visitor, answer.pid] as const;
    }
  });
  return new Map(await within(Promise.all(answers), 60_000, "visitors who are back"));
}

/**
 * Ends the load, and says what all this did to it and to the visitors. For each of `stopsBehindNginx` one `POST` may have
 * been answered with 502: the limit that docs/reliability.md tells, as nginx may not send it twice.
 */
export async function judge(
  report: Report,
  load: Load,
  visitors: readonly Visitor[],
  { stopsBehindNginx = 0 } = {},
): Promise<void> {
  await load.stop();
  const { requests, failed } = load;
  const isLimit = failed.length <= stopsBehindNginx && failed.every((each) => /^POST .*: 502$/.test(each));
  const what =
    stopsBehindNginx > 0 ? "no request fails, but for one POST a stop at most" : "no request fails";
  report.check(what, isLimit, { requests, failed: failed.length, first: failed.slice(0, 5) });
  const pids = await whereabouts(visitors);
  const codes = visitors.flatMap((visitor) => visitor.codes);
  report.check(
    "connections close with 1012",
    codes.length > 0 && codes.every((code) => code === 1012),
    codes,
  );
  report.same("all visitors are back, as the users they were", pids.size, visitors.length);
  const awayMs = Math.max(...visitors.map(({ mostAwayMs }) => Math.round(mostAwayMs)));
  const refusals = visitors.flatMap((visitor) => visitor.refusals);
  report.check("nobody is refused on the way back", refusals.length === 0, { awayMs, refusals });
}
