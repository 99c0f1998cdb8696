import { createHash } from 'node:crypto'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { findRecord, foldLayers, type Manifest, openRepository, rangeKeys, readRange, verifyRange } from '../../src/archive/index.ts'
import { canonicalJson } from '../../src/kernel/canonical-json.ts'
import { ROOT } from '../architecture/source-files.ts'
import { joined } from '../support/record-batches.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Facts {
  readonly repositoryId: string
  readonly snapshots: readonly {
    readonly id: string
    readonly name: string
    readonly kind: string
    readonly parent: string | null
    readonly file: string
    readonly rows: number
    /** Of each range. */
    readonly layers: readonly number[]
    /** Of the canonical JSON of what `readManifest` gave. */
    readonly manifestSha256: string
  }[]
}

const GOLDEN = join(ROOT, 'test/fixtures/golden/format-1-deltas')
const facts = JSON.parse(readFileSync(join(GOLDEN, 'expected/facts.json'), 'utf8')) as Facts

// On a copy: nothing may touch the golden bytes, whatever the code under test does.
const copy = temporaryFolder()
afterAll(() => copy.remove())
cpSync(join(GOLDEN, 'repository'), copy.path, { recursive: true })
const repository = await openRepository({ storage: fsStorage({ root: copy.path }) })
const { chunks, readManifest, listSnapshots } = repository.scope()

describe('the golden repository of format 1 with deltas', () => {
  it('is opened, and lists what was committed', async () => {
    expect(repository.id).toBe(facts.repositoryId)
    const listed: string[] = []
    for await (const { id } of listSnapshots()) listed.push(id)
    expect(listed).toEqual(facts.snapshots.map(({ id }) => id))
  })

  describe.each(facts.snapshots)('$name', ({ id, kind, parent, file, rows, layers, manifestSha256 }) => {
    const lines = readFileSync(join(GOLDEN, 'expected', file), 'utf8')
    const rangesOf = async () => (await readManifest(id)).entities[0]!.ranges

    it('has the manifest that it had', async () => {
      const manifest = await readManifest(id)
      expect(createHash('sha256').update(canonicalJson(manifest)).digest('hex')).toBe(manifestSha256)
      expect([manifest.kind, manifest.parent, manifest.totals.rows]).toEqual([kind, parent, rows])
      expect(manifest.entities[0]!.ranges.map((range) => range.layers.length)).toEqual(layers)
      expect(manifest.requiredFeatures).toEqual(layers.some((count) => count > 1) ? ['delta'] : [])
    })

    it('gives its merged lines, byte for byte, and is sound', async () => {
      const parts: Uint8Array[] = []
      for (const range of await rangesOf()) {
        await verifyRange(chunks, range, { level: 'plain' })
        parts.push(await joined(readRange(chunks, range)))
      }
      expect(Buffer.concat(parts).toString()).toBe(lines)
    })

    it('tells its keys, and finds every record by its own', async () => {
      const found: string[] = []
      for (const range of await rangesOf())
        for (const key of (await rangeKeys(chunks, range)).keys()) found.push(Buffer.from((await findRecord(chunks, range, key))!).toString())
      expect(found.map((line) => `${line}\n`).join('')).toBe(lines)
    })

    it('folds into the same lines', async () => {
      const parts: Uint8Array[] = []
      for (const range of await rangesOf())
        for (const { range: folded } of await foldLayers(chunks, range, {
          compression: 'zstd',
          level: 3,
          references: ['owner'],
          keyFields: 1,
          chunkBytes: 2 ** 20,
        }))
          parts.push(await joined(readRange(chunks, folded)))
      expect(Buffer.concat(parts).toString()).toBe(lines)
    })

    it('is read by the one-file reader as well', async () => {
      const reader = (await import(pathToFileURL(join(ROOT, 'samples/reader/read-archive.mjs')).href)) as {
        snapshot(folder: string, id: string): Manifest
        records(folder: string, manifest: Manifest, entity: string): Iterable<Uint8Array>
      }
      expect(Buffer.concat([...reader.records(copy.path, reader.snapshot(copy.path, id), 'Thing')]).toString()).toBe(lines)
    })
  })

  it('has every form that a layer can take', async () => {
    const all = (await Promise.all(facts.snapshots.map(async ({ id }) => (await readManifest(id)).entities[0]!.ranges))).flat()
    expect(new Set(all.flatMap(({ layers }) => layers.map(({ kind }) => kind)))).toEqual(new Set(['base', 'delta']))
    expect(all.some(({ layers, sha256 }) => layers.length > 1 && sha256 === null)).toBe(true)
    expect(all.some(({ layers, sha256 }) => layers.length > 1 && sha256 !== null)).toBe(true)
    expect(all.some(({ digest }) => digest !== undefined)).toBe(true)
    expect(all.some(({ layers }) => layers.some(({ kind, name }) => kind === 'delta' && name.endsWith('.1')))).toBe(true)
  })
})
