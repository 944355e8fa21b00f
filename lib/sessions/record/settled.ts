/** Resolves when a promise does, and also when it rejects. */
export async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => {});
}
