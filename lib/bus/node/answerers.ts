/** Answers a question of another node. The value that it returns, or resolves to, must be JSON. */
export type Answerer = (payload: unknown) => unknown;

/** A node's answerers, by the type of the message. All answerers of a type are called, and the first one's answer counts. */
export class Answerers {
  readonly #byType = new Map<string, Answerer[]>();

  /** Adds an answerer. The returned function removes it. */
  add(type: string, answerer: Answerer): () => void {
    this.#byType.set(type, [...(this.#byType.get(type) ?? []), answerer]);
    return () => {
      const others = this.#byType.get(type)?.filter((other) => other !== answerer) ?? [];
      if (others.length > 0) this.#byType.set(type, others);
      else this.#byType.delete(type);
    };
  }

  /** The answer to a message. It is a promise only if an answerer returns one. */
  answerTo(type: string, payload: unknown): unknown {
    const answers = (this.#byType.get(type) ?? []).map((answerer) => answerer(payload));
    return answers.some((answer) => answer instanceof Promise)
      ? Promise.all(answers).then(([first]) => first)
      : answers[0];
  }
}

/** The answer of one node as a list, which is empty without an answer. */
export function given(answer: unknown): unknown[] {
  return answer === undefined ? [] : [answer];
}
