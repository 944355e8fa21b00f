/** The text of that name in a body, if it is there, is text and is of such a length. */
export function textIn(
  body: unknown,
  name: string,
  { min = 1, max }: { min?: number; max: number },
): string | undefined {
  const text = (Object(body) as Record<string, unknown>)[name];
  return typeof text === "string" && text.length >= min && text.length <= max ? text : undefined;
}
