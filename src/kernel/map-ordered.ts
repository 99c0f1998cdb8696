/**
 * Runs `work` on the items, at most `limit` at once, and yields the results in the order of the items. The first failure ends it;
 * work that is under way then is left to finish unseen. Nothing more is begun than the consumer has asked for, `limit` ahead.
 */
export async function* mapOrdered<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T, position: number) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const running: Promise<R>[] = []
  let position = 0
  for await (const item of items) {
    const result = work(item, position++)
    result.catch(() => {}) // reported when its turn comes; until then a failure must not count as unhandled
    running.push(result)
    if (running.length >= limit) yield await running.shift()!
  }
  while (running.length > 0) yield await running.shift()!
}
