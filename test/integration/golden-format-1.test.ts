import { createHash } from 'node:crypto'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { type Manifest, openRepository, readRange, ReferenceSearch } from '../../src/archive/index.ts'
import { canonicalJson } from '../../src/kernel/canonical-json.ts'
import { lineEnds } from '../../src/record/index.ts'
import { ROOT } from '../architecture/source-files.ts'
import { recordOf } from '../support/archive-rig.ts'
import { codeOf, hostOf, planOf } from '../support/backup-rig.ts'
import { resumeBackup } from '../../src/export/index.ts'
import { shopStore } from '../support/shop-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Facts {
  readonly repositoryId: string
  readonly snapshots: readonly {
    readonly id: string
    readonly plan: string
    /** Of the canonical JSON of what `readManifest` gave. */
    readonly manifestSha256: string
    readonly entities: Readonly<Record<string, { readonly file: string; readonly rows: number; readonly ranges: number }>>
  }[]
  readonly hidden: string
  readonly healed: string
  readonly token: { readonly text: string; readonly sessionId: string }
  readonly sessions: readonly { readonly id: string; readonly journal: readonly { attempt: number; type: string; cuts: number; ranges: number }[] }[]
  readonly restores: { readonly planned: string; readonly completed: string }
}

const GOLDEN = join(ROOT, 'test/fixtures/golden/format-1')
const facts = JSON.parse(readFileSync(join(GOLDEN, 'expected/facts.json'), 'utf8')) as Facts
const expectedLines = (file: string) => readFileSync(join(GOLDEN, 'expected', file), 'utf8')

// On a copy: nothing may touch the golden bytes, whatever the code under test does.
const copy = temporaryFolder()
afterAll(() => copy.remove())
cpSync(join(GOLDEN, 'repository'), copy.path, { recursive: true })
const repository = await openRepository({ storage: fsStorage({ root: copy.path }) })
const scope = repository.scope()

describe('the golden repository of format 1', () => {
  it('case 40: is opened, and lists what was committed and not hidden', async () => {
    expect(repository.id).toBe(facts.repositoryId)
    const listed: string[] = []
    for await (const { id } of scope.listSnapshots()) listed.push(id)
    expect(listed).toEqual(facts.snapshots.map(({ id }) => id))
    expect(await codeOf(scope.readManifest(facts.hidden))).toBe('E_SNAPSHOT_UNKNOWN')
  })

  describe.each(facts.snapshots)('$plan', ({ id, plan, manifestSha256, entities }) => {
    it('has the manifest that it had', async () => {
      const manifest = await scope.readManifest(id)
      expect(manifest.plan.id).toBe(plan)
      expect(createHash('sha256').update(canonicalJson(manifest)).digest('hex')).toBe(manifestSha256)
      expect(manifest.entities.map(({ descriptor }) => descriptor.name)).toEqual(Object.keys(entities))
    })

    it.each(Object.entries(entities))('gives the lines of %s, byte for byte', async (name, { file, rows, ranges }) => {
      const entity = entityOf(await scope.readManifest(id), name)
      expect([entity.rows, entity.ranges.length]).toEqual([rows, ranges])
      const parts: Uint8Array[] = []
      for (const range of entity.ranges) for await (const part of readRange(scope.chunks, range)) parts.push(part)
      expect(Buffer.concat(parts).toString()).toBe(expectedLines(file))
    })

    it.each(Object.keys(entities))('finds every record of %s by its key, through the index', async (name) => {
      const entity = entityOf(await scope.readManifest(id), name)
      for (const ref of entity.ranges.flatMap(({ layers }) => layers)) {
        await scope.chunks.verify(ref, { level: 'plain' })
        const parts: Uint8Array[] = []
        for await (const part of scope.chunks.read(ref)) parts.push(part)
        const lines = Buffer.concat(parts)
        const index = await scope.chunks.readIndex(ref)
        let start = 0
        const ends = lineEnds(lines)
        for (const [at, key] of [...index.keys()].entries()) {
          const line = lines.toString('utf8', start, ends[at]! - 1)
          expect(await recordOf(scope.chunks, ref, key)).toBe(line)
          start = ends[at]!
        }
        expect(start).toBe(lines.length)
        for (const field of new Set(entity.descriptor.references.flatMap(({ fields }) => fields))) {
          for (const line of lines.toString().trimEnd().split('\n')) {
            const [, value] = new RegExp(`"${field}":(\\d+)`).exec(line) ?? []
            if (value === undefined) continue
            expect(index.mayReference(field, value)).toBe(true)
            // Written before there were bounds: what is not known may hold anything.
            const search = new ReferenceSearch([{ field, values: [value] }])
            expect([ref.references, index.frameBounds(field), search.mayBeIn(ref)]).toEqual([undefined, null, true])
            expect(search.frames(index)).toEqual([...index.frames.keys()])
          }
          expect(index.mayReference(field, '"nobody has this"')).toBe(false)
        }
      }
    })
  })

  it('reads a chunk that was stored anew beside a damaged one', async () => {
    const manifest = await scope.readManifest(facts.snapshots.find(({ plan }) => plan === 'golden-ranges')!.id)
    const names = manifest.entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers.map(({ name }) => name)))
    expect(names).toContain(`${facts.healed}.1`)
    expect(names).not.toContain(facts.healed)
  })

  it('replays the journals', async () => {
    const sessions: string[] = []
    for await (const { sessionId } of scope.sessions.list()) sessions.push(sessionId)
    expect(sessions).toEqual(facts.sessions.map(({ id }) => id))
    for (const { id, journal } of facts.sessions) {
      expect((await scope.sessions.read(id)).sessionId).toBe(id)
      const { entries, next } = await scope.sessions.readJournal(id)
      expect(entries.map(({ attempt, type, cuts, ranges }) => ({ attempt, type, cuts: cuts?.length ?? 0, ranges: ranges?.length ?? 0 }))).toEqual(journal)
      expect(next).toBe(journal.length + 1)
      expect((await scope.sessions.liveness(id)).attempt?.host).toBe('test-host')
    }
  })

  it('takes the token that was made for it, which leads to the snapshot', async () => {
    expect(repository.verifyToken(facts.token.text).sessionId).toBe(facts.token.sessionId)
    const store = shopStore(1, { name: 'shop' })
    const environment = { stores: [store], repositoryOf: () => Promise.resolve(repository), host: hostOf(1), planOf: () => planOf([store]) }
    const session = await resumeBackup(facts.token.text, environment)
    expect((await session.result()).snapshotId).toBe(facts.token.sessionId)
  })

  it('has the results and diagnostics of its restores', async () => {
    const { results, diagnostics } = JSON.parse(expectedLines('restores.json')) as { results: unknown[]; diagnostics: unknown }
    expect([await scope.restores.readResult(facts.restores.planned), await scope.restores.readResult(facts.restores.completed)]).toEqual(results)
    expect(await scope.restores.readDiagnostics(facts.restores.planned)).toEqual(diagnostics)
  })

  it('is read by the one-file reader as well', async () => {
    const reader = (await import(pathToFileURL(join(ROOT, 'samples/reader/read-archive.mjs')).href)) as {
      snapshot(folder: string, id: string): Manifest
      records(folder: string, manifest: Manifest, entity: string): Iterable<Uint8Array>
    }
    for (const { id, entities } of facts.snapshots) {
      const manifest = reader.snapshot(copy.path, id)
      for (const [name, { file }] of Object.entries(entities))
        expect(Buffer.concat([...reader.records(copy.path, manifest, name)]).toString()).toBe(expectedLines(file))
    }
  })
})

function entityOf(manifest: Manifest, name: string): Manifest['entities'][number] {
  return manifest.entities.find(({ descriptor }) => descriptor.name === name)!
}
