import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { type EncryptionOptions, type Manifest, openRepository, type Repository, requiredFeatures } from '../../src/archive/index.ts'
import { silentLogger, type StorageAdapter } from '../../src/contracts/index.ts'
import { secretKey } from '../../src/crypto/encryption.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { migrateStorage, mirrorStorage } from '../../src/storage/index.ts'
import { ordersChunk, ordersManifest, recordOf } from '../support/archive-rig.ts'
import { collect } from '../support/collect.ts'
import { FaultyStorage, type StorageScript } from '../support/faulty-storage.ts'

const createOnly = { ifAbsent: true } as const

async function image(storage: StorageAdapter): Promise<Record<string, string>> {
  const objects: Record<string, string> = {}
  for await (const { key } of storage.list('')) objects[key] = Buffer.from(await storage.get(key)).toString('base64')
  return objects
}

async function backUp(repository: Repository, first: number): Promise<Manifest> {
  const { chunks, writeManifest } = repository.scope()
  const sound = ordersManifest(repository, [await chunks.put(await ordersChunk(first, 20))], uuidv7())
  const manifest = { ...sound, requiredFeatures: requiredFeatures(sound.entities) }
  await writeManifest(manifest)
  return manifest
}

/** Each snapshot that a copy shows by itself is whole; their number. */
async function wholeSnapshots(storage: StorageAdapter, encryption?: EncryptionOptions): Promise<number> {
  if (!(await storage.stat('repository.json'))) {
    expect((await collect(storage.list(''))).some(({ key }) => key.endsWith('/manifest'))).toBe(false)
    return 0
  }
  const scope = (await openRepository({ storage, encryption })).scope()
  let seen = 0
  for await (const { id } of scope.listSnapshots()) {
    seen++
    for (const { ranges } of (await scope.readManifest(id)).entities)
      for (const range of ranges) for (const layer of range.layers) await scope.chunks.verify(layer, { level: 'plain' })
  }
  return seen
}

function rig(script: StorageScript = () => undefined, required = false) {
  const [near, far] = [memoryStorage({ name: 'near' }), memoryStorage({ name: 'far' })]
  const faulty = new FaultyStorage(far, script)
  const mirror = mirrorStorage({ copies: [{ storage: near }, { storage: faulty, required }] })
  return { near, far, faulty, mirror }
}

describe('a mirror in health', () => {
  it.each([true, false])('holds the same in each copy (required: %s)', async (required) => {
    const { near, far, mirror } = rig(undefined, required)
    const repository = await openRepository({ storage: mirror, create: true })
    for (const first of [1, 101]) await backUp(repository, first)
    expect(await image(far)).toEqual(await image(near))
    expect(await wholeSnapshots(far)).toBe(2)
    expect(mirror.copies()).toMatchObject([
      { name: 'near', required: true, state: 'level' },
      { name: 'faulty:far', required, state: 'level', missed: 0, lastError: null },
    ])
    await mirror.delete(['repository.json'])
    expect(await far.stat('repository.json')).toBeNull()
  })

  it('can what all required copies can', () => {
    const weak = memoryStorage()
    const storage = { ...weak, capabilities: { ...weak.capabilities, rangeRead: false, maxKeyBytes: 300, durable: true } }
    expect(mirrorStorage({ copies: [{ storage: memoryStorage() }, { storage }] }).capabilities).toMatchObject({
      rangeRead: false,
      maxKeyBytes: 300,
      durable: false,
      conditionalPut: true,
    })
    expect(mirrorStorage({ copies: [{ storage: memoryStorage() }, { storage, required: false }] }).capabilities).toMatchObject({ rangeRead: true })
  })

  it('is refused without a required copy, and with one twice', () => {
    const storage = memoryStorage()
    for (const copies of [[], [{ storage, required: false }], [{ storage }, { storage }]])
      expect(() => mirrorStorage({ copies })).toThrow(expect.objectContaining({ code: 'E_CONFIG' }))
  })

  it('brings a new copy up to date before the first commit', async () => {
    const { near, far, mirror } = rig()
    const repository = await openRepository({ storage: near, create: true })
    for (const first of [1, 101]) await backUp(repository, first)
    await backUp(await openRepository({ storage: mirror }), 201)
    expect(await wholeSnapshots(far)).toBe(3)
    expect(await image(far)).toEqual(await image(near))
  })
})

describe('a copy that is not required', () => {
  it('may die at any moment: the backup goes on, the copy shows whole snapshots only, and catches up', async () => {
    for (let at = 1; ; at++) {
      const state = { dead: false }
      const { near, far, faulty, mirror } = rig(({ n }) => {
        if (n === at) state.dead = true
        return state.dead ? { kind: 'error', when: at % 2 ? 'before' : 'after' } : undefined
      })
      const repository = await openRepository({ storage: mirror, create: true })
      await backUp(repository, 1)
      await backUp(repository, 101)
      expect(await wholeSnapshots(near)).toBe(2)
      const shown = await wholeSnapshots(far)
      expect(shown).toBeLessThanOrEqual(2)
      if (!state.dead) {
        expect(shown).toBe(2)
        return expect(at).toBeGreaterThan(8)
      }
      // The last call it failed may have had its effect all the same.
      expect(mirror.copies()[1]).toMatchObject({ state: 'behind', lastError: expect.stringContaining('E_STORAGE') })
      faulty.script = () => undefined
      expect(await mirror.catchUp()).toMatchObject([{ name: 'faulty:far', state: 'level', differing: 0, extra: 0 }])
      expect(await image(far)).toEqual(await image(near))
      expect(mirror.copies()[1]).toMatchObject({ state: 'level', missed: 0 })
    }
  })

  it('says so when it falls behind: to the logger, else as a warning of the process', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    const told: string[] = []
    const logger = { ...silentLogger, warn: (_: unknown, message: string) => void told.push(message) }
    for (const more of [{}, { logger }]) {
      const far = new FaultyStorage(memoryStorage({ name: 'far' }), () => ({ kind: 'error', when: 'before' }))
      const mirror = mirrorStorage({ copies: [{ storage: memoryStorage() }, { storage: far, required: false }], ...more })
      for (const key of ['a', 'b']) await mirror.put(key, Buffer.from('1'), createOnly)
    }
    await new Promise(setImmediate)
    process.off('warning', note)
    expect(told).toEqual([expect.stringContaining('fell behind')])
    expect(warnings).toMatchObject([{ code: 'HOLDFAST_MIRROR', message: expect.stringContaining('faulty:far') }])
  })

  it('that was away for a moment is mended by the next commit', async () => {
    const state = { dead: true }
    const { near, far, mirror } = rig(() => (state.dead ? { kind: 'error', when: 'before' } : undefined))
    const repository = await openRepository({ storage: mirror, create: true })
    await backUp(repository, 1)
    expect(await collect(far.list(''))).toEqual([])
    state.dead = false
    await backUp(repository, 101)
    expect(await image(far)).toEqual(await image(near))
  })

  it('catches up manifests last, so that it may die there too', async () => {
    for (let at = 1; ; at++) {
      const { near, far, faulty, mirror } = rig()
      const repository = await openRepository({ storage: near, create: true })
      for (const first of [1, 101]) await backUp(repository, first)
      faulty.script = ({ n }) => (n === at ? { kind: 'crash', when: at % 2 ? 'after' : 'before' } : undefined)
      const died = await mirror.catchUp().then(
        () => false,
        () => true,
      )
      await wholeSnapshots(far)
      expect(mirror.copies()[1]!.state).toBe(died ? 'behind' : 'level')
      if (!died) return expect(at).toBeGreaterThan(10)
    }
  })

  it('that missed the deletion of a snapshot does not lose what it refers to', async () => {
    const state = { dead: false }
    const { near, far, mirror } = rig(() => (state.dead ? { kind: 'error', when: 'before' } : undefined))
    const repository = await openRepository({ storage: mirror, create: true })
    const gone = await backUp(repository, 1)
    const names = (await collect(near.list('s/-/'))).map(({ key }) => key)
    state.dead = true
    await mirror.delete([`s/-/snapshots/${gone.snapshotId}/manifest`])
    state.dead = false
    await backUp(repository, 101) // would mend it, were it not for the manifest
    await mirror.delete(names.filter((key) => key.includes('/chunks/')))
    expect(await wholeSnapshots(far)).toBe(1)
    expect(mirror.copies()[1]!.state).toBe('behind')
    expect(await mirror.catchUp()).toMatchObject([{ state: 'behind', extra: 3 }])
    expect(await mirror.catchUp({ deleteExtra: true })).toMatchObject([{ state: 'level' }])
    expect(await image(far)).toEqual(await image(near))
    expect(await wholeSnapshots(far)).toBe(1)
  })
})

describe('a required copy', () => {
  it('that fails makes the put fail, and has the object when it is stored again', async () => {
    const state = { dead: false }
    const { near, far, mirror } = rig(() => (state.dead ? { kind: 'error', when: 'before' } : undefined), true)
    const repository = await openRepository({ storage: mirror, create: true })
    const chunk = await ordersChunk(1, 20)
    await backUp(repository, 201)
    state.dead = true
    // The first storage has it, so a look would say that all is well; `fatal` says not to look.
    await expect(repository.scope().chunks.put(chunk)).rejects.toMatchObject({ code: 'E_STORAGE', details: { fatal: true } })
    expect((await collect(near.list('s/-/chunks/'))).length).toBeGreaterThan(0)
    state.dead = false
    const stored = await repository.scope().chunks.put(chunk)
    await repository.scope().writeManifest(ordersManifest(repository, [stored]))
    expect(await image(far)).toEqual(await image(near))
    expect(await wholeSnapshots(far)).toBe(2)
  })

  it('is brought up to date before a manifest that refers to what another process stored', async () => {
    const { near, far, mirror } = rig(undefined, true)
    const alone = await openRepository({ storage: near, create: true })
    const chunk = await alone.scope().chunks.put(await ordersChunk(1, 20))
    const repository = await openRepository({ storage: mirror })
    await repository.scope().writeManifest(ordersManifest(repository, [chunk]))
    expect(await wholeSnapshots(far)).toBe(1)
    expect(await image(far)).toEqual(await image(near))
  })

  it('that cannot be brought up to date keeps the manifest from being written at all', async () => {
    const { near, mirror, faulty } = rig(undefined, true)
    const repository = await openRepository({ storage: mirror, create: true })
    const chunk = await repository.scope().chunks.put(await ordersChunk(1, 20))
    faulty.script = ({ method }) => (method === 'list' ? { kind: 'error', when: 'before' } : undefined)
    await expect(repository.scope().writeManifest(ordersManifest(repository, [chunk]))).rejects.toMatchObject({ code: 'E_STORAGE', details: { fatal: true } })
    expect(await wholeSnapshots(near)).toBe(0)
  })

  it('keeps what could not be deleted there', async () => {
    const { near, mirror } = rig(({ method }) => (method === 'delete' ? { kind: 'error', when: 'before' } : undefined), true)
    await mirror.put('a', Buffer.from('a'), createOnly)
    await expect(mirror.delete(['a'])).rejects.toMatchObject({ code: 'E_STORAGE' })
    expect(await near.stat('a')).not.toBeNull()
  })
})

describe('reads', () => {
  it.each([
    ['plain', undefined],
    ['encrypted', { providers: [secretKey(Buffer.alloc(32, 7))] }],
  ] as const)('come from the nearest sound copy, of a repository that is %s', async (_, encryption) => {
    const { near, far, mirror } = rig(undefined, true)
    const repository = await openRepository({ storage: mirror, create: true, ...(encryption && { encryption }) })
    const manifest = await backUp(repository, 1)
    const keys = (await collect(near.list(''))).map(({ key }) => key)
    expect(keys).toHaveLength(encryption ? 6 : 4)
    const { chunks } = repository.scope()
    const [ref] = manifest.entities[0]!.ranges[0]!.layers
    const readAll = async () => {
      // By a process that has nothing in memory yet.
      const { chunks, readManifest } = (await openRepository({ storage: mirror, ...(encryption && { encryption }) })).scope()
      await readManifest(manifest.snapshotId)
      await chunks.verify(ref!, { level: 'plain' })
      expect(await recordOf(chunks, ref!, '[3]')).not.toBeNull()
    }
    for (const how of ['flipped', 'flipped in its header', 'cut off', 'absent'] as const) {
      for (const [damaged, sound] of [
        [near, far],
        [far, near],
      ] as const) {
        // What is found by a listing, as keys are, must be in that of the first copy.
        for (const key of how === 'absent' ? keys.filter((key) => !key.includes('keys/')) : keys) {
          const bytes = Buffer.from(await sound.get(key))
          const bad = how === 'cut off' ? bytes.subarray(0, -1) : Buffer.from(bytes)
          bad[how === 'flipped in its header' ? 60 : bad.length >> 1]! ^= 1
          if (how === 'absent') await damaged.delete([key])
          else await damaged.put(key, bad, { ifAbsent: false })
        }
        await readAll()
        expect(mirror.copies()[0]!.readElsewhere > 0).toBe(true)
        for (const key of keys) await damaged.put(key, await sound.get(key), { ifAbsent: false })
      }
    }
    // Damaged everywhere: the reader is told of damage.
    for (const storage of [near, far])
      await storage.put(
        keys.find((key) => key.endsWith('.hfc'))!,
        Buffer.from('nothing'),
        { ifAbsent: false },
      )
    await expect(chunks.verify(ref!, { level: 'plain' })).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  it('go on while the first copy does not answer', async () => {
    const [first, second] = [memoryStorage({ name: 'first' }), memoryStorage({ name: 'second' })]
    const state = { away: false, after: 0 }
    const faulty = new FaultyStorage(first, () => (state.away ? { kind: 'error', when: 'before' } : undefined))
    const mirror = mirrorStorage({ copies: [{ storage: faulty }, { storage: second }] })
    const repository = await openRepository({ storage: mirror, create: true })
    const { snapshotId } = await backUp(repository, 1)
    state.away = true
    const reader = (await openRepository({ storage: mirror })).scope()
    expect((await collect(reader.listSnapshots())).map(({ id }) => id)).toEqual([snapshotId])
    expect((await reader.readManifest(snapshotId)).snapshotId).toBe(snapshotId)
    await expect(backUp(repository, 101)).rejects.toMatchObject({ code: 'E_STORAGE' })
  })

  it('do not take a storage that is away for one without the object', async () => {
    const away = new FaultyStorage(memoryStorage(), () => ({ kind: 'error', when: 'before' }))
    const required = mirrorStorage({ copies: [{ storage: memoryStorage() }, { storage: away }] })
    await expect(required.get('a')).rejects.toMatchObject({ code: 'E_STORAGE' })
    const optional = mirrorStorage({ copies: [{ storage: memoryStorage() }, { storage: away, required: false }] })
    await expect(optional.get('a')).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
  })
})

describe('a first copy that lost what it had, or is new', () => {
  const encryption = { providers: [secretKey(Buffer.alloc(32, 7))] }
  const lose = async (storage: StorageAdapter, which: (key: string) => boolean = () => true) => {
    const keys = (await collect(storage.list(''))).map(({ key }) => key).filter(which)
    expect(keys).not.toEqual([])
    await storage.delete(keys)
  }
  const refused = { code: 'E_CONFIG', hint: expect.stringContaining('migrateStorage') }

  it.each([
    ['plain', true, undefined],
    ['plain', false, undefined],
    ['encrypted', true, encryption],
    ['encrypted', false, encryption],
  ] as const)('does not lead: nothing of a repository that is %s is stored or replaced (required: %s)', async (_, required, more) => {
    const { near, far, mirror } = rig(undefined, required)
    await backUp(await openRepository({ storage: mirror, create: true, encryption: more }), 1)
    const whole = await image(far)
    await lose(near)
    const again = mirrorStorage({ copies: [{ storage: near }, { storage: far, required }] })
    const backup = async () => backUp(await openRepository({ storage: again, create: true, encryption: more }), 101)
    await expect(backup()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('near, which leads, has no ') })
    expect(await image(far)).toEqual(whole)
    expect(await image(near)).toEqual({})
    // The way out.
    await migrateStorage({ from: far, to: near })
    await backup()
    expect(await wholeSnapshots(near, more)).toBe(2)
    expect(await image(far)).toEqual(await image(near))
  })

  it.each([true, false])('of which the keys alone are gone gets no new ones (required: %s)', async (required) => {
    const { near, far, mirror } = rig(undefined, required)
    await backUp(await openRepository({ storage: mirror, create: true, encryption }), 1)
    const whole = await image(far)
    for (const lost of [/^keys\//, /^s\/-\/keys\//]) {
      await lose(near, (key) => lost.test(key))
      const again = mirrorStorage({ copies: [{ storage: near }, { storage: far, required }] })
      await expect((async () => backUp(await openRepository({ storage: again, create: true, encryption }), 101))()).rejects.toMatchObject(refused)
      expect(await image(far)).toEqual(whole)
      await migrateStorage({ from: far, to: near })
    }
  })

  it('keeps chunks in the others that its own snapshots do not need any more', async () => {
    for (const required of [true, false]) {
      const { near, far, mirror } = rig(undefined, required)
      await backUp(await openRepository({ storage: mirror, create: true }), 1)
      await lose(near, (key) => key.endsWith('/manifest'))
      const chunks = (await collect(near.list('s/-/chunks/'))).map(({ key }) => key)
      const again = mirrorStorage({ copies: [{ storage: near }, { storage: far, required }] })
      const swept = again.delete(chunks)
      if (required) await expect(swept).rejects.toMatchObject({ code: 'E_STORAGE', hint: expect.stringContaining('migrateStorage') })
      else await swept
      expect(await wholeSnapshots(far)).toBe(1)
    }
  })

  it.each([true, false])('of another repository stores nothing there, nor deletes (required: %s)', async (required) => {
    const { near, far, mirror } = rig(undefined, required)
    for (const storage of [far, near]) await backUp(await openRepository({ storage, create: true }), 1)
    const whole = await image(far)
    const backup = (async () => backUp(await openRepository({ storage: mirror }), 101))()
    if (required) await expect(backup).rejects.toMatchObject({ code: 'E_CONFIG' })
    else await backup
    expect(await mirror.catchUp({ deleteExtra: true })).toMatchObject([{ copied: 0, differing: 1, state: 'behind' }])
    expect(mirror.copies()[1]!.lastError).toContain('another repository.json')
    expect(await image(far)).toEqual(whole)
    expect(await wholeSnapshots(near)).toBe(required ? 1 : 2)
  })

  it('that lost all while the only copy was away does not go into it when it is back', async () => {
    const state = { dead: false }
    const { near, far, mirror } = rig(() => (state.dead ? { kind: 'error', when: 'before' } : undefined))
    await backUp(await openRepository({ storage: mirror, create: true }), 1)
    const whole = await image(far)
    await lose(near)
    state.dead = true
    const again = mirrorStorage({
      copies: [{ storage: near }, { storage: new FaultyStorage(far, () => (state.dead ? { kind: 'error', when: 'before' } : undefined)), required: false }],
    })
    const repository = await openRepository({ storage: again, create: true }).catch(() => null)
    state.dead = false
    if (repository) await backUp(repository, 101)
    await again.catchUp().catch(() => {})
    expect(await image(far)).toEqual(whole)
  })

  it.each([
    ['a copy that is not required', false],
    ['a required copy', true],
  ] as const)('tells a repository file that is damaged in %s from one of another repository', async (_, required) => {
    const { near, far, mirror } = rig(undefined, required)
    await backUp(await openRepository({ storage: mirror, create: true }), 1)
    await far.put('repository.json', Buffer.from('{'), { ifAbsent: false })
    const again = mirrorStorage({ copies: [{ storage: near }, { storage: far, required }] })
    const backup = (async () => backUp(await openRepository({ storage: again }), 101))()
    if (required) await expect(backup).rejects.toMatchObject({ code: 'E_STORAGE', message: expect.stringContaining('damaged in far') })
    else await backup
    expect(await wholeSnapshots(near)).toBe(required ? 1 : 2)
    if (!required) expect(again.copies()[1]).toMatchObject({ state: 'behind', lastError: expect.stringContaining('repository.json') })
  })

  it('is told from one that another process fills just now', async () => {
    for (let attempt = 0; attempt < 30; attempt++) {
      const places = ['near', 'far', 'spare'].map((name) => memoryStorage({ name }))
      const slow = places.map((storage) => new FaultyStorage(storage, () => ({ kind: 'delay', ms: Math.random() * 4 })))
      const processes = [1, 2].map(() => mirrorStorage({ copies: slow.map((storage) => ({ storage })) }))
      const ids = await Promise.all(processes.map(async (storage) => (await openRepository({ storage, create: true, encryption })).id))
      expect(ids[0]).toBe(ids[1])
    }
  })

  it('asks the first copy nothing for the sake of one that is away', async () => {
    const near = new FaultyStorage(memoryStorage({ name: 'near' }))
    const far = new FaultyStorage(memoryStorage({ name: 'far' }), () => ({ kind: 'error', when: 'before' }))
    const mirror = mirrorStorage({ copies: [{ storage: near }, { storage: far, required: false }] })
    for (let n = 0; n < 10; n++) await mirror.put(`s/-/holds/${n}`, Buffer.from('1'), createOnly)
    expect(near.operations.filter(({ method }) => method === 'get').length).toBeLessThanOrEqual(1)
  })

  it('does not replace what a copy has under a name, but a chunk that nothing there needs', async () => {
    const { near, far, mirror } = rig(undefined, true)
    await far.put('s/-/holds/a', Buffer.from('theirs'), createOnly)
    await expect(mirror.put('s/-/holds/a', Buffer.from('ours'), createOnly)).rejects.toMatchObject({ code: 'E_STORAGE', details: { fatal: true } })
    expect(String(await far.get('s/-/holds/a'))).toBe('theirs')
    await far.put('s/-/chunks/ab/abc.hfc', Buffer.from('sealed before'), createOnly)
    await mirror.put('s/-/chunks/ab/abc.hfc', Buffer.from('sealed anew'), createOnly)
    expect(String(await far.get('s/-/chunks/ab/abc.hfc'))).toBe('sealed anew')
    expect(String(await near.get('s/-/chunks/ab/abc.hfc'))).toBe('sealed anew')
  })

  it('finds keys that were replaced when it catches up', async () => {
    const { far, mirror } = rig()
    await backUp(await openRepository({ storage: mirror, create: true, encryption }), 1)
    const key = (await collect(far.list('keys/')))[0]!.key
    const bytes = Buffer.from(await far.get(key))
    bytes[bytes.length >> 1]! ^= 1
    await far.put(key, bytes, { ifAbsent: false })
    expect(await mirror.catchUp()).toMatchObject([{ differing: 1, state: 'behind' }])
    expect(mirror.copies()[1]!.lastError).toContain(key)
  })
})

it('errors that are no failure of a storage are passed on as they are', async () => {
  const { mirror } = rig(
    ({ method }) => (method === 'put' ? { kind: 'error', when: 'before', error: new HoldfastError('E_STORAGE_FULL', 'full') } : undefined),
    true,
  )
  await expect(mirror.put('a', Buffer.from('a'), createOnly)).rejects.toMatchObject({ code: 'E_STORAGE_FULL' })
  await expect(mirror.put('../a', Buffer.from('a'), createOnly)).rejects.toMatchObject({ code: 'E_STORAGE_KEY' })
})
