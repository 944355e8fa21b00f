/** What a request fails with when nobody knows whether it has arrived. */
const UNSURE = ["closed", "timeout", "queue_full"];

/** So many leave at once, and after a pause so many again: the server takes 100 a second. */
const SLICE = 25;
const PAUSE_MS = 300;

/** Messages that the server has not taken yet. They keep their key, so one that is sent twice is still one. */
export class Outbox {
  #messages = [];
  #line;
  #onRefused;
  #pause;

  constructor(line, onRefused) {
    this.#line = line;
    this.#onRefused = onRefused;
  }

  add(message) {
    this.#messages.push(message);
    this.flush();
  }

  of(room) {
    return this.#messages.filter((message) => message.room === room);
  }

  /** Sends what waits, if the line is open; else that is done when it opens again. */
  flush() {
    if (this.#line.state !== "open" || this.#pause) return;
    const next = this.#messages.filter(({ isSending }) => !isSending).slice(0, SLICE);
    for (const message of next) void this.#send(message);
    if (next.length < SLICE) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.flush();
    }, PAUSE_MS);
  }

  async #send(message) {
    const { room, text, key } = message;
    message.isSending = true;
    try {
      await this.#line.request("message.send", { room, text, key });
      this.#remove(message);
    } catch (error) {
      message.isSending = false;
      if (UNSURE.includes(error.code)) {
        this.flush();
        return;
      }
      this.#remove(message);
      this.#onRefused(message, error.message);
    }
  }

  #remove(message) {
    this.#messages = this.#messages.filter((other) => other !== message);
  }
}
