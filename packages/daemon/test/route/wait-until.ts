/** For what sends no event. */
export async function waitUntil(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await isDone());) {
    if (Date.now() > end) throw new Error("it did not happen within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
