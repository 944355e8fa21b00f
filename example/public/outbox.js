/** What a request fails with when nobody knows whether it has arrived. */
const UNSURE = ["closed", "timeout", "queue_full"];

/** So many leave at once, and after a pause so many again: the server takes 100 a second. */
const SLICE = 25;
const PAUSE_MS = 300;

/** So many are kept for a user. */
const MOST = 200;

const PREFIX = "unsent:";

/** The users who have messages that this tab has not sent, with these. */
export function unsentByUser() {
  const users = Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
  return users.map((name) => name.slice(PREFIX.length)).map((user) => [user, load(user)]);
}

/**
 * Messages that the server has not taken: they wait, or are refused with a reason. They keep their key, so one that is
 * sent twice is still one. The tab keeps them for their user, also while nobody is signed in, or somebody else.
 */
export class Outbox {
  #user;
  #messages;
  #line;
  #onRefused;
  #sending = new Set();
  #pause;

  constructor(user, line, onRefused) {
    this.#user = user;
    this.#messages = load(user);
    this.#line = line;
    this.#onRefused = onRefused;
  }

  /** The room in which the first of them was written, if there is one. */
  get room() {
    return this.#messages[0]?.room;
  }

  of(room) {
    return this.#messages.filter((message) => message.room === room);
  }

  /** Tells whether there was a place for it. */
  add(message) {
    if (this.#messages.length >= MOST) return false;
    this.#keep([...this.#messages, message]);
    this.flush();
    return true;
  }

  /** Sends what was refused. */
  again(message) {
    delete message.reason;
    this.#keep(this.#messages);
    this.flush();
  }

  discard(message) {
    this.#keep(this.#messages.filter((other) => other !== message));
  }

  /** Sends what waits, if the line is open; else that is done when it opens again. */
  flush() {
    if (this.#line.state !== "open" || this.#pause) return;
    const waiting = this.#messages.filter((message) => !message.reason && !this.#sending.has(message));
    const next = waiting.slice(0, SLICE);
    for (const message of next) void this.#send(message);
    if (next.length < SLICE) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.flush();
    }, PAUSE_MS);
  }

  async #send(message) {
    const { room, text, key } = message;
    this.#sending.add(message);
    try {
      await this.#line.request("message.send", { room, text, key });
      this.discard(message);
    } catch (error) {
      if (UNSURE.includes(error.code)) return;
      message.reason = error.message;
      this.#keep(this.#messages);
      this.#onRefused(message);
    } finally {
      this.#sending.delete(message);
      this.flush();
    }
  }

  #keep(messages) {
    this.#messages = messages;
    const name = PREFIX + this.#user;
    if (messages.length === 0) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(messages));
  }
}

function load(user) {
  return JSON.parse(sessionStorage.getItem(PREFIX + user) ?? "[]");
}
