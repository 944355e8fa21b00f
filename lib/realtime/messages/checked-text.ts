/** Bytes that one message may have, unless a connection may leave more unread. A bus would break at not much more. */
export const LARGEST_MESSAGE_BYTES: number = 16 * 1024 * 1024;

/** The most bytes of one character in UTF-8, of those that a string counts as one. */
const MAX_BYTES_OF_A_CHARACTER = 3;

/** A text that is to be sent. @throws {RangeError} if it is too large to be. */
export function checkedText(text: string, maxBufferedBytes: number): string {
  const limit = Math.max(LARGEST_MESSAGE_BYTES, maxBufferedBytes);
  if (text.length * MAX_BYTES_OF_A_CHARACTER <= limit) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return text;
  throw new RangeError(
    `realtime: a message of ${bytes} bytes was not sent: it may have ${limit}; send it in parts, or a link to it`,
  );
}
