/** A receiver that has come into a channel, or gone out of it, once so many messages were held. */
interface Move {
  readonly after: number;
  readonly isIn: boolean;
}

/**
 * Who comes into a channel and goes out of it while messages are held. A message is for those who were in it when it came, not
 * for those who have left by then and are back, or have come since.
 */
export class Moves<R> {
  readonly #moves = new Map<R, Move[]>();

  /** Notes that a receiver has come or gone, now that so many messages are held. */
  note(receiver: R, isIn: boolean, after: number): void {
    const moves = this.#moves.get(receiver);
    if (moves) moves.push({ after, isIn });
    else this.#moves.set(receiver, [{ after, isIn }]);
  }

  /** Whether a receiver, who is in the channel now, was in it when the message with this number was held. */
  wasIn(receiver: R, number: number): boolean {
    const moves = this.#moves.get(receiver);
    if (!moves) return true;
    const last = moves.findLast(({ after }) => after <= number);
    // Before the first one it was the other way round.
    return last ? last.isIn : moves[0]?.isIn === false;
  }
}
