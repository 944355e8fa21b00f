import { RecentSessions } from "../../lib/sessions/saving/recent-sessions.ts";

const base = (json: string) => ({ json, version: json });

describe("RecentSessions", () => {
  it("returns what was last set for a session, and nothing once that was deleted", () => {
    const recent = new RecentSessions();
    recent.set("a", base("1"));
    recent.set("a", base("2"));
    expect(recent.get("a")).toEqual(base("2"));
    recent.delete("a");
    recent.delete("a");
    expect(recent.get("a")).toBeUndefined();
  });

  it("updates from a read only a session that it already knows", () => {
    const recent = new RecentSessions();
    recent.set("a", base("1"));
    recent.refresh("a", base("2"));
    recent.refresh("b", base("2"));
    expect([recent.get("a"), recent.get("b")]).toEqual([base("2"), undefined]);
  });

  it("forgets the oldest session beyond 1,000", () => {
    const recent = new RecentSessions();
    for (let n = 0; n < 1001; n++) recent.set(`s${n}`, base("x"));
    expect([recent.get("s0"), recent.get("s1"), recent.get("s1000")]).toEqual([
      undefined,
      base("x"),
      base("x"),
    ]);
  });

  it("keeps no more than 8 MiB of text, however large one session is", () => {
    const recent = new RecentSessions();
    const large = "x".repeat(3 * 1024 * 1024);
    for (const sid of ["a", "b", "c"]) recent.set(sid, base(large));
    expect([recent.get("a"), recent.get("b")?.json.length]).toEqual([undefined, large.length]);
    recent.set("d", base("x".repeat(9 * 1024 * 1024)));
    for (const sid of ["b", "c", "d"]) expect(recent.get(sid)).toBeUndefined();
    recent.set("e", base("y"));
    expect(recent.get("e")).toEqual(base("y"));
  });
});
