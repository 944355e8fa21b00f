/**
 * The most bytes of one message, unless `maxBufferedBytes` allows more. A bus breaks at messages that are not much
 * larger.
 */
export const LARGEST_MESSAGE_BYTES: number = 16 * 1024 * 1024;

/** The most bytes in UTF-8 of one unit that the length of a string counts. */
const MAX_BYTES_OF_A_CHARACTER = 3;

/** Returns a text that may be sent. @throws {RangeError} if the text is too large. */
export function checkedText(text: string, maxBufferedBytes: number): string {
  const limit = Math.max(LARGEST_MESSAGE_BYTES, maxBufferedBytes);
  if (text.length * MAX_BYTES_OF_A_CHARACTER <= limit) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return text;
  throw new RangeError(
    `realtime: a message of ${bytes} bytes was not sent: it may have ${limit}; send it in parts, or a link to it`,
  );
}
