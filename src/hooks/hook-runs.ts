import type { HookName, HookRecord, HookRun, Hooks } from '../contracts/hooks.ts'
import type { Logger } from '../contracts/logger.ts'
import { abortError, type AbortableOptions, orAborted, throwIfAborted } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import { HoldfastError } from '../kernel/errors.ts'

/** Hooks, and whose they are. */
export interface HookSet {
  readonly of: HookRecord['of']
  readonly hooks: Hooks
}

export interface HookRunsOptions {
  /** Those of the application first. */
  readonly sets: readonly HookSet[]
  readonly clock: Clock
  readonly logger: Logger
}

const DEFAULT_TIMEOUT_MS = 60_000
const NOTE_CHARACTERS = 1000
/** A run that opens its views over and over keeps the records of its end. */
const MOST_RECORDS = 100

type RunOf<Name extends HookName> = Omit<Parameters<NonNullable<Hooks[Name]>>[0], 'signal'>
type AnyHook = (run: HookRun) => unknown

/** The hooks of one run, called in their order, and how each went. */
export class HookRuns {
  readonly #options: HookRunsOptions
  readonly #records: HookRecord[] = []

  constructor(options: HookRunsOptions) {
    this.#options = options
  }

  get records(): readonly HookRecord[] {
    return this.#records.slice(-MOST_RECORDS)
  }

  /** Calls one after the other, and none after one that failed. @throws `E_HOOK`; the signal's reason when it aborts */
  async before<Name extends HookName>(name: Name, run: RunOf<Name>, { signal }: AbortableOptions): Promise<void> {
    for (const { of, hooks } of this.#options.sets) {
      throwIfAborted(signal)
      const failure = await this.#call(name, of, hooks, run, signal)
      if (!failure) continue
      if (signal?.aborted) throw abortError(signal)
      throw new HoldfastError('E_HOOK', `${name} of ${of === 'plan' ? `plan "${run.planId}"` : 'the application'} stopped the run: ${failure.message}`, {
        cause: failure.cause,
        details: { hook: name, of, planId: run.planId },
      })
    }
  }

  /** Calls all of them, whatever happened, the plan's first. Never fails; gives what went wrong, for warnings. */
  async after<Name extends HookName>(name: Name, run: RunOf<Name>): Promise<readonly string[]> {
    const warnings: string[] = []
    for (const { of, hooks } of this.#options.sets.toReversed()) {
      const failure = await this.#call(name, of, hooks, run, undefined)
      if (!failure) continue
      this.#options.logger.error({ planId: run.planId, hook: name, of, error: failure.message }, 'a hook failed')
      warnings.push(`${name} of the ${of} failed: ${failure.message}`)
    }
    return warnings
  }

  /** Null when it went well, or there is none. */
  async #call(
    hook: HookName,
    of: HookRecord['of'],
    hooks: Hooks,
    run: object,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly message: string; readonly cause: unknown } | null> {
    const called = hooks[hook] as AnyHook | undefined
    if (!called) return null
    const { clock } = this.#options
    const startedAt = clock.now()
    const record = (rest: Pick<HookRecord, 'outcome' | 'note' | 'error'>) => {
      this.#records.push({ hook, of, at: new Date(startedAt).toISOString(), durationMs: Math.max(0, clock.now() - startedAt), ...rest })
    }
    try {
      const note = await timed((limited) => called.call(hooks, { ...run, signal: limited } as HookRun), hooks.timeoutMs ?? DEFAULT_TIMEOUT_MS, signal)
      record({ outcome: 'done', ...(typeof note === 'string' && note !== '' ? { note: note.slice(0, NOTE_CHARACTERS) } : {}) })
      return null
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      record({ outcome: 'failed', error: message.slice(0, NOTE_CHARACTERS) })
      return { message, cause }
    }
  }
}

/** A hook that does not listen to its signal is left to itself. */
async function timed(hook: (signal: AbortSignal) => unknown, timeoutMs: number, outer: AbortSignal | undefined): Promise<unknown> {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(new HoldfastError('E_HOOK', `it took longer than ${timeoutMs} ms`)), timeoutMs)
  const signal = outer ? AbortSignal.any([outer, limit.signal]) : limit.signal
  try {
    return await orAborted((async () => hook(signal))(), signal)
  } finally {
    clearTimeout(timer)
  }
}
