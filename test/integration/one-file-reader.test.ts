import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { openRepository, type RangeEntry } from '../../src/archive/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import type { Compression } from '../../src/plan/backup-policy.ts'
import { archiveReader, READER } from '../support/archive-reader.ts'
import { type BackupRig, backupRig, planOf } from '../support/backup-rig.ts'
import { deltaBetween, layer, type LayeredEntry, linesOf, storeBase, type Thing, thingsManifest } from '../support/layer-rig.ts'
import { notRun } from '../support/not-run.ts'
import { SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'
import { createSqliteFile, tableMapping } from '../support/sqlite.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const run = promisify(execFile)
const reader = await archiveReader()

const read = async (...parameters: string[]): Promise<string> => (await run(process.execPath, [READER, ...parameters], { maxBuffer: 2 ** 28 })).stdout
const zstd = hasZstd()
if (!zstd) notRun('zstd command', 'no `zstd` to compare with', { required: false })

const home = temporaryFolder()
afterAll(() => home.remove())

describe.each(['zstd', 'gzip', 'none'] as const)('the one-file reader, over chunks compressed by %s', (compression: Compression) => {
  const store = shopStore(500)
  const root = join(home.path, compression)
  const folder = join(root, 'main')
  const policy = { compression, level: { zstd: 3, gzip: 6, none: 0 }[compression], chunkBytes: 4096, concurrency: 2 }
  const rig: BackupRig = backupRig({
    stores: [store],
    plan: planOf([store], { policy, buckets: { OrderLine: 'lines' } }),
    storage: fsStorage({ root, fsync: false }),
  })
  let id = ''
  beforeAll(async () => {
    id = (await (await rig.start()).result()).snapshotId
  })

  it('lists the snapshot and its entities', async () => {
    const listed = JSON.parse(await read(folder)) as Record<string, unknown>
    expect(listed).toMatchObject({ snapshot: id, plan: 'shop', consistency: 'snapshot', entities: 3, rows: 1000 })
    const entities = (await read(folder, id)).trimEnd().split('\n')
    expect(entities.map((line) => (JSON.parse(line) as { entity: string }).entity)).toEqual(SHOP_ENTITIES)
  })

  it('prints the records of every entity, byte for byte', async () => {
    expect(await read(folder, id, 'Order')).toBe(store.lines('Order'))
    expect(await read(folder, id, 'default.OrderLine', join(root, 'lines'))).toBe(store.lines('OrderLine'))
    expect(await read(folder, id, 'Nothing')).toBe('')
  })

  if (zstd && compression === 'zstd') {
    it('agrees with `zstd -dc`, which passes over prefix and frame table', async () => {
      const manifest = await rig.manifest(id)
      const layers = manifest.entities.find(({ descriptor }) => descriptor.name === 'Order')!.ranges.flatMap(({ layers: chunks }) => chunks)
      expect(layers.length).toBeGreaterThan(1)
      const files = layers.map(({ name }) => join(folder, `s/-/chunks/${name.slice(0, 2)}/${name}.hfc`))
      expect(execFileSync('zstd', ['-dc', ...files], { encoding: 'utf8' })).toBe(store.lines('Order'))
    })
  }

  it('finds a flipped bit in every object that it reads', () => {
    const chunks = reader
      .snapshot(folder, id)
      .entities[0]!.ranges.flatMap(({ layers }) => layers.map(({ name }) => `s/-/chunks/${name.slice(0, 2)}/${name}.hfc`))
    for (const object of ['repository.json', `s/-/snapshots/${id}/manifest`, ...chunks]) {
      const file = join(folder, object)
      const sound = readFileSync(file)
      for (const at of [0, 30, sound.length >> 1, sound.length - 2]) {
        const bad = Buffer.from(sound)
        bad[at]! ^= 4
        writeFileSync(file, bad)
        expect(() => [...reader.records(folder, reader.snapshot(folder, id), 'Order')], `${object} at ${at}`).toThrow()
      }
      writeFileSync(file, sound)
    }
    expect(Buffer.concat([...reader.records(folder, reader.snapshot(folder, id), 'Order')]).toString()).toBe(store.lines('Order'))
  })

  it('says what is wrong and fails', async () => {
    const refusal = (...parameters: string[]) => read(...parameters).catch((error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`)
    expect(await refusal(folder, id, 'Ordre')).toContain('1 no entities are called Ordre; there are default.Order, default.OrderLine, default.Nothing')
    expect(await refusal(folder, '../../x')).toContain('1 ../../x is not the id of a snapshot')
    const [layer] = reader.snapshot(folder, id).entities[0]!.ranges[0]!.layers
    const file = join(folder, `s/-/chunks/${layer!.name.slice(0, 2)}/${layer!.name}.hfc`)
    const sound = readFileSync(file)
    writeFileSync(file, sound.subarray(0, -1))
    expect(await refusal(folder, id, 'Order')).toContain('is damaged: its bytes are not those that were stored')
    rmSync(file)
    expect(await refusal(folder, id, 'Order')).toContain('no such file')
    writeFileSync(file, sound)
  })

  it('reads ranges from the pages of a large manifest, and notices one that was exchanged', async () => {
    const manifest = await rig.manifest(id)
    const [order, ...others] = manifest.entities
    const empty = {
      rows: 0,
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      firstKey: null,
      lastKey: null,
      layers: [],
      evidence: 0,
    }
    const far = (n: number) => `[${1_000_000 + n}]`
    const ranges: RangeEntry[] = [
      ...order!.ranges.slice(0, -1),
      { ...order!.ranges.at(-1)!, to: far(0) },
      ...Array.from({ length: 7000 }, (_, n) => ({ ...empty, from: far(n), to: n === 6999 ? null : far(n + 1) })),
    ]
    const snapshotId = uuidv7()
    await (await rig.open()).scope().writeManifest({ ...manifest, snapshotId, entities: [{ ...order!, ranges }, ...others] })
    const pages = join(folder, `s/-/snapshots/${snapshotId}/entities`)
    expect(readdirSync(pages).length).toBeGreaterThan(1)
    expect(await read(folder, snapshotId, 'Order')).toBe(store.lines('Order'))
    writeFileSync(join(pages, '0002'), readFileSync(join(pages, '0001')))
    expect(() => [...reader.records(folder, reader.snapshot(folder, snapshotId), 'Order')]).toThrow('0002 is damaged')
  })

  it('leaves hidden snapshots out', async () => {
    await (await rig.open()).scope().hide(id, 'a trial')
    expect([...reader.snapshots(folder)].map(({ snapshotId }) => snapshotId)).not.toContain(id)
    expect(() => reader.snapshot(folder, id)).toThrow('was deleted')
  })
})

describe.each(['zstd', 'gzip', 'none'] as const)('the one-file reader, over layers compressed by %s', (compression) => {
  const folder = join(home.path, 'layers', compression)
  const thing = (id: number, note = 'a thing'): Thing => ({ id, owner: id % 3 || null, note })
  const first = Array.from({ length: 60 }, (_, i) => thing(i))
  const changed = first.toSpliced(40, 20, thing(70), thing(71)).toSpliced(7, 3, thing(8, 'other'), thing(80)).toSpliced(0, 1, thing(90))
  const again = changed.toSpliced(8, 1, thing(9, 'back'), thing(81), thing(10, 'other')).toSpliced(11, 1)
  let range: LayeredEntry
  let id = ''

  beforeAll(async () => {
    const repository = await openRepository({ storage: fsStorage({ root: folder, fsync: false }), create: true })
    const scope = repository.scope()
    const hash = createHash('sha256').update(linesOf(again)).digest('hex')
    range = await storeBase(scope.chunks, first, { compression })
    range = await layer(scope.chunks, range, (await deltaBetween(first, changed, { compression }))!)
    range = await layer(scope.chunks, range, (await deltaBetween(changed, again, { compression }))!, { sha256: hash })
    const manifest = thingsManifest(repository, [range])
    await scope.writeManifest(manifest)
    id = manifest.snapshotId
  })

  it('prints the merged records, byte for byte', async () => {
    expect(range.layers).toHaveLength(3)
    expect(await read(folder, id, 'Thing')).toBe(linesOf(again).toString())
  })

  it('finds a flipped bit in every layer and its index', () => {
    for (const object of range.layers.flatMap(({ name }) => [`${name}.hfc`, `${name}.hfx`])) {
      const file = join(folder, 's/-/chunks', object.slice(0, 2), object)
      const sound = readFileSync(file)
      for (const at of [0, 30, sound.length >> 1, sound.length - 2]) {
        const bad = Buffer.from(sound)
        bad[at]! ^= 4
        writeFileSync(file, bad)
        expect(() => [...reader.records(folder, reader.snapshot(folder, id), 'Thing')], `${object} at ${at}`).toThrow('is damaged')
      }
      writeFileSync(file, sound)
    }
  })

  it('refuses layers that do not merge into what the range declares', () => {
    const manifest = reader.snapshot(folder, id)
    const entity = manifest.entities[0]!
    const withRange = (edited: LayeredEntry) => ({ ...manifest, entities: [{ ...entity, rows: edited.rows, ranges: [{ ...edited, evidence: 0 }] }] })
    const [base, lower, upper] = range.layers
    for (const bad of [
      { rows: 3 },
      { layers: [base!, upper!, lower!] },
      { layers: [base!, lower!] },
      { layers: [base!, lower!, lower!] },
      { sha256: 'ab'.repeat(32) },
    ])
      expect(() => [...reader.records(folder, withRange({ ...range, ...bad }), 'Thing')]).toThrow('is damaged')
    expect(Buffer.concat([...reader.records(folder, withRange({ ...range, sha256: null }), 'Thing')]).toString()).toBe(linesOf(again).toString())
  })
})

describe('the one-file reader, over a SQLite database', () => {
  it('prints what the view reads, odd values included', async () => {
    const file = createSqliteFile()
    try {
      file.exec('CREATE TABLE odd (id INTEGER PRIMARY KEY, value)')
      file.exec(
        `INSERT INTO odd (value) VALUES (NULL), (1), (1.0), ('a' || char(10) || char(8232) || '"'), (x'00ff'), (9007199254740993), (CAST(x'ff' AS TEXT)), (-0.0)`,
      )
      const store = file.store([tableMapping('Odd', ['id', 'value'])].map((mapping) => ({ ...mapping, table: 'odd' })))
      const rig = backupRig({ stores: [store], storage: fsStorage({ root: join(home.path, 'sqlite'), fsync: false }) })
      const { snapshotId } = await (await rig.start()).result()
      const lines = await read(join(home.path, 'sqlite/main'), snapshotId, 'Odd')
      expect(lines).toBe(await rig.lines(await rig.manifest(snapshotId), 'Odd', 'main'))
      expect(lines.split('\n')).toEqual([
        '{"id":1,"value":null}',
        '{"id":2,"value":{"integer":1}}',
        '{"id":3,"value":{"real":1.0}}',
        '{"id":4,"value":{"text":"a\\n\u2028\\""}}',
        '{"id":5,"value":"AP8="}',
        '{"id":6,"value":{"integer":"9007199254740993"}}',
        '{"id":7,"value":{"textbytes":"/w=="}}',
        '{"id":8,"value":{"real":-0.0}}',
        '',
      ])
    } finally {
      file.close()
    }
  })
})

function hasZstd(): boolean {
  try {
    execFileSync('zstd', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
