/** Resolves as `promise` does, or rejects with "No {what} within {limitMs} ms." */
export async function within<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, limitMs, "late");
  });
  try {
    const outcome = await Promise.race([promise.then((value) => ({ value })), expiry]);
    // Thrown here and not in the timer, so that the stack trace names the waiting test.
    if (outcome === "late") throw new Error(`No ${what} within ${limitMs} ms.`);
    return outcome.value;
  } finally {
    clearTimeout(timer);
  }
}
