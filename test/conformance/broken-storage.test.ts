import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { requireCapabilities } from '../../src/contracts/index.ts'
import type { AdapterCapabilities, ObjectStat, StorageAdapter } from '../../src/contracts/storage-adapter.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { checkStorage, conformanceCases, runConformanceCase } from '../../src/storage/conformance/index.ts'

type Break = (base: StorageAdapter) => Partial<StorageAdapter>

/** Storages that promise what they do not keep, and the case that must find them out. */
const broken: readonly (readonly [string, Break, string])[] = [
  ['overwrites', (base) => ({ put: (key, body, options) => base.put(key, body, { ...options, ifAbsent: false }) }), 'never overwrites with ifAbsent'],
  [
    'looks first and writes then',
    (base) => ({
      async put(key, body, options) {
        if (options.ifAbsent && (await base.stat(key))) throw new HoldfastError('E_STORAGE_EXISTS', key)
        await new Promise((resolve) => setTimeout(resolve, 1))
        await base.put(key, body, { ...options, ifAbsent: false })
      },
    }),
    'lets exactly one of 32 racing writers win',
  ],
  ['ignores ranges', (base) => ({ get: (key, options) => base.get(key, { signal: options?.signal }) }), 'reads ranges'],
  [
    'ignores checksums',
    (base) => ({ put: (key, body, options) => base.put(key, body, { ...options, sha256: undefined }) }),
    'acknowledges only bytes of the announced SHA-256',
  ],
  [
    'lists a page only',
    (base) => ({ list: (prefix, options) => listed(base, prefix, options, (all) => all.slice(0, 1000)) }),
    'lists every object at once, in the order of the names',
  ],
  [
    'lists folder by folder',
    (base) => ({ list: (prefix, options) => listed(base, prefix, options, (all) => all.toSorted((a, b) => compare(a.key.split('/'), b.key.split('/')))) }),
    'lists every object at once, in the order of the names',
  ],
  ['stores half of it first', (base) => ({ put: (key, body, options) => putInHalves(base, key, body, options) }), 'is never seen half-written'],
  ['takes any name', (base) => ({ get: (key, options) => base.get(key.replace(/^\W+/, '') || 'x', options) }), 'refuses names that are tricks'],
  ['ignores aborts', (base) => ({ put: (key, body, options) => base.put(key, body, { ...options, signal: undefined }) }), 'does nothing when aborted'],
  [
    'forgets the last byte',
    (base) => ({ get: async (key, options) => (await base.get(key, options)).subarray(0, -1) }),
    'gives back what was stored, in every size',
  ],
  [
    'has its own idea of time',
    (base) => ({ stat: async (key, options) => ((stat) => stat && { ...stat, modifiedAt: 0 })(await base.stat(key, options)) }),
    'dates objects by a sane clock',
  ],
]

async function* listed(
  base: StorageAdapter,
  prefix: string,
  options: object | undefined,
  edit: (all: ObjectStat[]) => ObjectStat[],
): AsyncGenerator<ObjectStat> {
  const all: ObjectStat[] = []
  for await (const stat of base.list(prefix, options)) all.push(stat)
  yield* edit(all)
}

function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((segment, i) => segment !== b[i])
  return (a[at] ?? '') < (b[at] ?? '') ? -1 : 1
}

async function putInHalves(
  base: StorageAdapter,
  key: string,
  body: Uint8Array | readonly Uint8Array[],
  options: Parameters<StorageAdapter['put']>[2],
): Promise<void> {
  const whole = Buffer.concat(body instanceof Uint8Array ? [body] : body)
  await base.put(key, whole.subarray(0, whole.byteLength >> 1), { ...options, sha256: undefined })
  await new Promise((resolve) => setTimeout(resolve, 1))
  await base.put(key, whole, { ...options, ifAbsent: false })
}

/** A storage without these capabilities, which says so and refuses. */
function limited(missing: Partial<AdapterCapabilities>): StorageAdapter {
  const base = memoryStorage({ name: 'limited' })
  const storage: StorageAdapter = {
    ...base,
    capabilities: { ...base.capabilities, ...missing },
    async put(key, body, options) {
      if (options.ifAbsent) requireCapabilities(storage, 'create-only put', ['conditionalPut'])
      await base.put(key, body, options)
    },
    async get(key, options) {
      if (options?.range) requireCapabilities(storage, 'reading a range', ['rangeRead'])
      return await base.get(key, options)
    },
  }
  return storage
}

describe('the suite finds a storage that', () => {
  test.each(broken)('%s', async (_, change, name) => {
    const base = memoryStorage()
    const storage = { ...base, ...change(base) }
    const [one] = conformanceCases(storage.capabilities).filter((candidate) => candidate.name === name)
    await runConformanceCase(one!, { open: () => base }) // the sound one passes
    await expect(runConformanceCase(one!, { open: () => storage })).rejects.toThrow()
  })
})

describe('a storage that says what it lacks', () => {
  test.each([
    { conditionalPut: false },
    { rangeRead: false },
    { strongList: false },
    { checksumOnPut: false },
    { conditionalPut: false, rangeRead: false, strongList: false },
  ])('%o passes by refusing', async (missing) => {
    const storage = limited(missing)
    const results = await checkStorage({ open: () => storage, pageObjects: 10 })
    expect(results.filter(({ ok }) => !ok)).toEqual([])
    expect(results.length).toBeGreaterThan(15)
  })

  test('but does not refuse is found', async () => {
    const base = memoryStorage()
    const storage = { ...base, capabilities: { ...base.capabilities, rangeRead: false, conditionalPut: false } }
    const failed = (await checkStorage({ open: () => storage, pageObjects: 10 })).filter(({ ok }) => !ok)
    expect(failed.map(({ name }) => name).toSorted()).toEqual([
      'refuses ifAbsent, and a repository, without conditionalPut',
      'refuses ranges without rangeRead',
    ])
  })

  test('is refused what it lacks by name, with a way out', () => {
    const thrown = () =>
      requireCapabilities(limited({ durable: false, shared: false }), 'a locked backup', ['conditionalPut', 'objectLock', 'shared'], 'Use S3.')
    expect(thrown).toThrow('E_CAPABILITY: a locked backup needs objectLock, shared, which storage limited does not have')
    try {
      thrown()
    } catch (error) {
      expect(error).toMatchObject({ hint: 'Use S3.', details: { storage: 'limited', feature: 'a locked backup', missing: ['objectLock', 'shared'] } })
    }
  })
})
