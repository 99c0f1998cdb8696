import { HoldfastError } from '../../src/kernel/errors.ts'

/** What is remembered of a session: not itself, which holds much more. */
interface Started {
  readonly id: string
  readonly token: string
}

interface KnownStart {
  /** What was asked for, as text. */
  readonly request: string
  readonly started: Promise<Started>
}

/** Keys that are remembered; the oldest go first. */
const KEPT = 1000

/** Makes a request that is sent twice start one backup, as long as this process lives and the key is among the latest thousand. */
export class IdempotentStarts {
  readonly #known = new Map<string, KnownStart>()

  /**
   * The session that `start` gives, now or at the first call with this key. A start that failed is forgotten.
   * @throws `E_REQUEST` when the key was used for another request
   */
  async run(key: string, request: string, start: () => Promise<Started>): Promise<Started> {
    const known = this.#known.get(key)
    if (known && known.request !== request) {
      throw new HoldfastError('E_REQUEST', 'the idempotency key was used for another request before', { hint: 'Use a new key for each backup that is wanted.' })
    }
    if (known) return known.started
    const started = start().then(({ id, token }) => ({ id, token }))
    const entry = { request, started }
    this.#known.set(key, entry)
    for (const oldest of [...this.#known.keys()].slice(0, Math.max(0, this.#known.size - KEPT))) this.#known.delete(oldest)
    started.catch(() => {
      if (this.#known.get(key) === entry) this.#known.delete(key)
    })
    return started
  }
}
