/** Answers what another node asks; what it returns, or resolves to, must be JSON. */
export type Answerer = (payload: unknown) => unknown;

/** What a node answers, by the type of the message. Of several who answer one, all hear it and the first answers. */
export class Answerers {
  readonly #byType = new Map<string, Answerer[]>();

  /** Adds one until the returned function is called. */
  add(type: string, answerer: Answerer): () => void {
    this.#byType.set(type, [...(this.#byType.get(type) ?? []), answerer]);
    return () => {
      const others = this.#byType.get(type)?.filter((other) => other !== answerer) ?? [];
      if (others.length > 0) this.#byType.set(type, others);
      else this.#byType.delete(type);
    };
  }

  /** At once, unless one of those who answer needs time. */
  answerTo(type: string, payload: unknown): unknown {
    const answers = (this.#byType.get(type) ?? []).map((answerer) => answerer(payload));
    return answers.some((answer) => answer instanceof Promise)
      ? Promise.all(answers).then(([first]) => first)
      : answers[0];
  }
}
