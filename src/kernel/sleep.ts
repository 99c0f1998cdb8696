/** Waits. Resolves after `ms`, or as soon as one of the signals aborts: whoever waits looks at them then. */
export type Sleep = (ms: number, signals: readonly AbortSignal[]) => Promise<void>

/** Longest delay that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1

/** By a timer that keeps the process alive, since somebody waits for it. Neither it nor a listener is left behind. */
export const sleep: Sleep = (ms, signals) =>
  new Promise((resolve) => {
    if (signals.some(({ aborted }) => aborted)) return resolve()
    const wake = (): void => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, Math.min(Math.ceil(ms), LONGEST_MS))
    for (const signal of signals) signal.addEventListener('abort', wake)
  })
