import type { AdapterCapabilities, GetOptions, ObjectStat, PutOptions, StorageAdapter } from '../../src/contracts/index.ts'
import { type AbortableOptions, onAbort } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'

export interface StorageOperation {
  /** 1, 2, 3 … in the order of the calls. */
  readonly n: number
  readonly method: 'put' | 'get' | 'stat' | 'list' | 'delete'
  /** Name or prefix; the first of several. */
  readonly key: string
}

export type StorageFault =
  /** The call fails, without or with having taken effect. */
  | { readonly kind: 'error'; readonly when: 'before' | 'after'; readonly error?: HoldfastError }
  /** As when the process is killed: this call takes effect or not, and no later one does anything but fail. */
  | { readonly kind: 'crash'; readonly when: 'before' | 'after' }
  /** Never answers, unless it is aborted. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** A put that is acknowledged and stores nothing, or not all of it. */
  | { readonly kind: 'lie'; readonly how: 'absent' | 'short' }
  /** A bit changes on the way: of a put behind the back of its sum, of a get in the answer. */
  | { readonly kind: 'flip'; readonly at: number }
  /** The last bytes get lost on the way. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Done twice, as by a client that tries again by itself: a listing gives each object twice, a put finds its own object. */
  | { readonly kind: 'duplicate' }
  /** A listing, or a look, that does not know yet what was stored since. Milliseconds, by the storage's clock. */
  | { readonly kind: 'stale'; readonly since: number }

/** Called before every operation; what it returns goes wrong. */
export type StorageScript = (operation: StorageOperation) => StorageFault | undefined

/** Wraps a storage and lets operations fail as scripted. `fired` lets a test prove that its faults happened. */
export class FaultyStorage implements StorageAdapter {
  readonly name: string
  readonly capabilities: AdapterCapabilities
  readonly #base: StorageAdapter
  readonly operations: StorageOperation[] = []
  fired = 0
  /** Bodies being put, and the most that ever were at once. */
  puts = { now: 0, most: 0 }
  script: StorageScript
  #dead = false

  constructor(base: StorageAdapter, script: StorageScript = () => undefined) {
    this.#base = base
    this.name = `faulty:${base.name}`
    this.capabilities = base.capabilities
    this.script = script
  }

  async put(key: string, body: Uint8Array | readonly Uint8Array[], options: PutOptions): Promise<void> {
    this.puts.now++
    this.puts.most = Math.max(this.puts.most, this.puts.now)
    try {
      await this.#run('put', key, options, async (fault) => {
        const whole = Buffer.concat(body instanceof Uint8Array ? [body] : body)
        if (fault?.kind === 'lie') {
          if (fault.how === 'absent') return
          await this.#base.put(key, whole.subarray(0, whole.length - 1), { ifAbsent: options.ifAbsent, signal: options.signal })
          return
        }
        await this.#base.put(key, spoilt(whole, fault), { ...options, transfer: false })
        if (fault?.kind === 'duplicate') await this.#base.put(key, whole, options)
      })
    } finally {
      this.puts.now--
    }
  }

  get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    return this.#run('get', key, options, async (fault) => spoilt(await this.#base.get(key, options), fault))
  }

  stat(key: string, options: AbortableOptions = {}): Promise<ObjectStat | null> {
    return this.#run('stat', key, options, async (fault) => {
      const stat = await this.#base.stat(key, options)
      return stat && fault?.kind === 'stale' && stat.modifiedAt >= fault.since ? null : stat
    })
  }

  async *list(prefix: string, options: AbortableOptions = {}): AsyncIterable<ObjectStat> {
    const found = await this.#run('list', prefix, options, async (fault) => {
      const all: ObjectStat[] = []
      for await (const stat of this.#base.list(prefix, options)) {
        if (fault?.kind === 'stale' && stat.modifiedAt >= fault.since) continue
        all.push(stat)
        if (fault?.kind === 'duplicate') all.push(stat)
      }
      return all
    })
    yield* found
  }

  delete(keys: readonly string[], options: AbortableOptions = {}): Promise<void> {
    return this.#run('delete', keys[0] ?? '', options, () => this.#base.delete(keys, options))
  }

  close(): Promise<void> {
    return this.#base.close()
  }

  /** A test whose faults never happened has proved nothing. */
  assertFired(least = 1): void {
    if (this.fired < least) throw new Error(`${this.fired} faults happened where at least ${least} were expected`)
  }

  async #run<T>(
    method: StorageOperation['method'],
    key: string,
    options: AbortableOptions,
    effect: (fault: StorageFault | undefined) => Promise<T>,
  ): Promise<T> {
    if (this.#dead) throw new HoldfastError('E_STORAGE', 'the process is dead')
    const operation = { n: this.operations.length + 1, method, key }
    this.operations.push(operation)
    const fault = this.script(operation)
    if (fault) this.fired++
    switch (fault?.kind) {
      case undefined:
      case 'lie':
      case 'flip':
      case 'truncate':
      case 'duplicate':
      case 'stale':
        return await effect(fault)
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.ms))
        return await effect(fault)
      case 'hang':
        return await new Promise<T>((_, reject) => onAbort(options.signal, reject))
      case 'error':
      case 'crash': {
        if (fault.kind === 'crash') this.#dead = true
        if (fault.when === 'after') await effect(fault)
        throw (fault.kind === 'error' && fault.error) || new HoldfastError('E_STORAGE', `scripted failure of ${method}`)
      }
    }
  }
}

function spoilt<T extends Uint8Array>(bytes: T, fault: StorageFault | undefined): Uint8Array {
  if (bytes.byteLength === 0) return bytes
  if (fault?.kind === 'truncate') return bytes.subarray(0, Math.max(0, bytes.byteLength - fault.bytes))
  if (fault?.kind !== 'flip') return bytes
  const changed = Buffer.from(bytes)
  changed[fault.at % changed.byteLength]! ^= 1 << (fault.at % 8)
  return changed
}
