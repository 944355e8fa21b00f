/** A message in a room. */
export interface Message {
  /** Made by who sends it, so that one that is sent again is known. */
  id: string;
  room: string;
  from: string;
  text: string;
  /** Milliseconds since the epoch. */
  at: number;
}

/** What the demo keeps beside sessions: shared by all nodes if it is in Redis. */
export interface ChatStore {
  /** Signs cookies. The same on all nodes. */
  secret(): Promise<string>;
  /** A hashed password. */
  password(userId: string): Promise<string | undefined>;
  /** Sets a password in place of `before`, in one step. Resolves to `false`, with nothing changed, if it is another. */
  setPassword(userId: string, password: string, before: string | undefined): Promise<boolean>;
  /** The latest messages of a room, the oldest first. */
  messages(room: string): Promise<Message[]>;
  addMessage(message: Message): Promise<void>;
}

/** Messages of a room that are kept. */
export const KEPT_MESSAGES = 100;
