/** A receiver that has come into a channel, or gone out of it, once so many messages were held. */
interface Move {
  readonly after: number;
  readonly isIn: boolean;
}

/**
 * Records which receivers enter and leave a channel while messages are held. A held message is for the receivers that were in
 * the channel when it came, and not for those that entered later or had left and are back.
 */
export class Moves<R> {
  readonly #moves = new Map<R, Move[]>();

  /** Records that a receiver has entered or left, after so many messages were held. */
  note(receiver: R, isIn: boolean, after: number): void {
    const moves = this.#moves.get(receiver);
    if (moves) moves.push({ after, isIn });
    else this.#moves.set(receiver, [{ after, isIn }]);
  }

  /** Whether a receiver that is in the channel now was in it when the message with this number was held. */
  wasIn(receiver: R, number: number): boolean {
    const moves = this.#moves.get(receiver);
    if (!moves) return true;
    const last = moves.findLast(({ after }) => after <= number);
    // Before its first move the receiver was in the opposite state.
    return last ? last.isIn : moves[0]?.isIn === false;
  }
}
