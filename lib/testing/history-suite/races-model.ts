import assert from "node:assert/strict";
import type { Bus } from "../../bus/bus.ts";
import type { History, HistoryPage, HistoryRange, Position } from "../../history/history.ts";
import { numbered } from "../../history/numbered.ts";
import { eventually } from "../tools/eventually.ts";
import type { Span } from "../tools/spans.ts";
import { everything, readAll } from "./pages.ts";

interface Append extends Span<Position> {
  readonly message: string;
}

interface Page extends Span<HistoryPage> {
  readonly range: HistoryRange;
  readonly enteredAfter?: number;
}

/** What was asked of a channel and answered, and what must hold of it. */
export class ChannelModel {
  readonly channel: string;
  readonly appended: Append[] = [];
  readonly pages: Page[] = [];
  readonly positions: Span<Position>[] = [];
  readonly forgotten: Span<void>[] = [];
  readonly #maxMessages: number;
  readonly #heard: string[][] = [];

  constructor(channel: string, maxMessages: number) {
    this.channel = channel;
    this.#maxMessages = maxMessages;
  }

  async listen(bus: Bus): Promise<void> {
    const heard: string[] = [];
    this.#heard.push(heard);
    await bus.subscribe(this.channel, (text) => heard.push(text));
  }

  async assertTrue(history: History): Promise<void> {
    this.#assertNumbers();
    const last = await readAll(history, this.channel);
    const end = Number.MAX_SAFE_INTEGER;
    const page = { began: end - 1, ended: end, result: last };
    for (const each of [...this.pages, { ...page, range: everything }]) this.#assertPage(each);
    for (const span of this.positions) this.#assertPosition(span, span.result);
    const texts = this.appended.map(({ message, result }) => numbered(result, message));
    for (const heard of this.#heard) {
      await eventually(() => assert.ok(heard.length >= texts.length, "not all messages were heard"));
      assert.deepEqual(heard, texts, "what was heard");
    }
  }

  /** The offsets are 1, 2, 3, …, and no message has a lower one than a message that was answered before. */
  #assertNumbers(): void {
    this.appended.sort((a, b) => a.result.offset - b.result.offset);
    let latestBegin = -1;
    for (const [n, { began, ended, result }] of this.appended.entries()) {
      assert.equal(result.offset, n + 1, "an offset is missing");
      assert.ok(ended > latestBegin, `offset ${n + 1} was given after a later one`);
      latestBegin = Math.max(latestBegin, began);
    }
    const epochs = [...this.appended, ...this.positions].map(({ result }) => result.epoch);
    assert.ok(new Set(epochs).size <= 1, "more than one epoch");
  }

  #assertPosition({ began, ended }: Span<unknown>, { offset }: Position): void {
    const least = this.appended.filter((each) => each.ended < began).length;
    const most = this.appended.filter((each) => each.began < ended).length;
    assert.ok(offset >= least && offset <= most, `position ${offset}, not from ${least} to ${most}`);
  }

  #assertPage(page: Page): void {
    const { range, result, enteredAfter = 0 } = page;
    const { position, messages } = result;
    this.#assertPosition(page, position);
    assert.equal(result.enteredAfter, enteredAfter, "entered elsewhere");
    for (const { offset, message } of messages)
      assert.equal(message, this.appended[offset - 1]?.message, `another message at ${offset}`);
    const offsets = messages.map(({ offset }) => offset);
    const after = Math.max(range.after, enteredAfter, position.offset - this.#maxMessages);
    // A message that was appended during a call of `forget` may be there or not.
    const surelyKept = Math.max(after, this.#lastForgotten(page, position.offset, true)) + 1;
    const perhapsKept = Math.max(after, this.#lastForgotten(page, position.offset, false)) + 1;
    const expected = (from: number): number[] => {
      const all = Array.from({ length: Math.max(0, position.offset - from + 1) }, (_, n) => from + n);
      return range.from === "oldest" ? all.slice(0, range.limit) : all.slice(-range.limit);
    };
    const text = JSON.stringify(offsets);
    for (let from = perhapsKept; from <= Math.max(perhapsKept, surelyKept); from++)
      if (text === JSON.stringify(expected(from))) return;
    assert.fail(`a page with ${text}, from ${perhapsKept} or ${surelyKept} to ${position.offset}`);
  }

  /** The last offset that was forgotten before a page was read: perhaps, or for sure. */
  #lastForgotten(page: Span<unknown>, upTo: number, isPerhaps: boolean): number {
    const isBefore = (a: Span<unknown>, b: Span<unknown>) =>
      isPerhaps ? a.began < b.ended : a.ended < b.began;
    const forgets = this.forgotten.filter((each) => isBefore(each, page));
    const gone = this.appended.filter((each) => forgets.some((forget) => isBefore(each, forget)));
    return Math.min(upTo, gone.at(-1)?.result.offset ?? 0);
  }
}
