/** Passes totals on a few times a second, and the last of each entity in any case. */
export function throttled(listener: ((entity: string, rows: number) => void) | undefined): { report(entity: string, rows: number): void; flush(): void } {
  let waiting: { readonly entity: string; readonly rows: number } | undefined
  let next = 0
  const pass = () => {
    if (waiting) listener?.(waiting.entity, waiting.rows)
    waiting = undefined
    next = performance.now() + 200
  }
  return {
    report(entity, rows) {
      if (waiting && waiting.entity !== entity) pass()
      waiting = { entity, rows }
      if (performance.now() >= next) pass()
    },
    flush: pass,
  }
}
