import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import { onAbort, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { type Sleep, sleep } from '../kernel/sleep.ts'
import { Throttle } from '../kernel/throttle.ts'
import { aroundStorage } from './around-storage.ts'

export interface LimitOptions {
  /** Bytes a second that all puts together send. Default: no limit. */
  readonly uploadBytesPerSecond?: number
  /** Bytes a second that all gets together bring. Default: no limit. */
  readonly downloadBytesPerSecond?: number
  /** Calls under way at once, listings left out: whoever reads one asks for objects meanwhile. Default: no limit. */
  readonly concurrency?: number
}

export interface LimitParts {
  /** Monotonic milliseconds. */
  readonly now?: () => number
  readonly sleep?: Sleep
}

/**
 * The same storage, at a rate that leaves the line to others. A call goes at the full speed of the line, and those after it wait until its bytes are paid for: over any
 * `t` seconds at most `(t + 1)` times the rate is moved, and what was under way. Calls get their turn in the order in which they came. An abort ends the wait. The three
 * limits hold for this wrapper: two of them, or two processes, have two lines.
 *
 * @throws `E_CONFIG` for an option that is unknown or no number above 0.
 */
export function limitStorage(storage: StorageAdapter, options: LimitOptions, { now, sleep: wait = sleep }: LimitParts = {}): StorageAdapter {
  assertKnownOptions(options, ['uploadBytesPerSecond', 'downloadBytesPerSecond', 'concurrency'], 'limitStorage')
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !(Number.isFinite(value) && value > 0 && (name !== 'concurrency' || Number.isInteger(value))))
      throw new HoldfastError(
        'E_CONFIG',
        `limitStorage: \`${name}\` is ${String(value)}; a ${name === 'concurrency' ? 'whole ' : ''}number above 0 is expected`,
      )
  const bucket = (perSecond: number | undefined) => (perSecond === undefined ? null : new Throttle({ perSecond, sleep: wait, ...(now && { now }) }))
  const up = bucket(options.uploadBytesPerSecond)
  const down = bucket(options.downloadBytesPerSecond)
  const upTurn = createGate(1)
  const downTurn = createGate(1)
  const slots = createGate(options.concurrency ?? Infinity)

  /** One after the other: else all that wait would go off together when a debt is paid. */
  async function turn(gate: Gate, throttle: Throttle, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    const leave = await gate.enter(signal)
    try {
      await throttle.ready(signal ? [signal] : [])
      throwIfAborted(signal)
      throttle.spend(bytes)
    } finally {
      leave()
    }
  }

  return aroundStorage(storage, {
    async call({ method, bytesUp, signal }, work) {
      const leave = await slots.enter(signal)
      try {
        if (method === 'put' && up) await turn(upTurn, up, bytesUp, signal)
        if (method === 'get' && down) await turn(downTurn, down, 0, signal)
        const result = await work()
        if (down && result instanceof Uint8Array) down.spend(result.byteLength)
        return result
      } finally {
        leave()
      }
    },
    list: (listing) => listing(),
  })
}

interface Gate {
  /** Resolves when there is room; what it resolves to makes room again. */
  enter(signal: AbortSignal | undefined): Promise<() => void>
}

function createGate(room: number): Gate {
  let inside = 0
  const waiting = new Set<() => void>()

  function leave(): void {
    inside--
    const [next] = waiting
    next?.()
  }
  return {
    async enter(signal) {
      throwIfAborted(signal)
      if (inside >= room) {
        await new Promise<void>((resolve, reject) => {
          const stop = onAbort(signal, (error) => {
            waiting.delete(go)
            reject(error)
          })
          function go(): void {
            waiting.delete(go)
            stop()
            inside++ // at once, so that nobody else takes the room meanwhile
            resolve()
          }
          waiting.add(go)
        })
      } else inside++
      return leave
    },
  }
}
