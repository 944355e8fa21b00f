/** What was tried and how it went; each line is printed at once. */
export class Report {
  isGood = true;

  check(what: string, isRight: boolean, seen: unknown): void {
    this.isGood &&= isRight;
    const text = typeof seen === "string" ? seen : JSON.stringify(seen);
    console.log(`${isRight ? "right" : "WRONG"} | ${what} | ${text}`);
  }

  /** What was measured and has no right or wrong. */
  note(what: string, seen: unknown): void {
    console.log(`      | ${what} | ${JSON.stringify(seen)}`);
  }

  /** Refuses what is not equal. */
  same(what: string, seen: unknown, expected: unknown): void {
    const isRight = JSON.stringify(seen) === JSON.stringify(expected);
    this.check(what, isRight, isRight ? seen : { seen, expected });
  }
}
