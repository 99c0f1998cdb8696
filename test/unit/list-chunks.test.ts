import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { assertWarm } from '../../src/archive/assert-warm.ts'
import { listChunks } from '../../src/archive/list-chunks.ts'
import { scopeNames } from '../../src/archive/object-names.ts'
import { createObjectSpace } from '../../src/archive/object-space.ts'
import type { StorageAdapter } from '../../src/contracts/storage-adapter.ts'
import { failure } from '../support/failure.ts'

const names = scopeNames(null)

/** A space of so many chunks, named like real ones, and what is asked of its listings. */
async function spaceOf(chunks: number) {
  const storage = memoryStorage()
  const stored: string[] = []
  for (let n = 0; n < chunks; n++) {
    const name = createHash('sha256').update(String(n)).digest('hex')
    stored.push(names.chunk(name))
    await storage.put(names.chunk(name), Buffer.from('x'), { ifAbsent: true })
  }
  const asked: string[] = []
  let shown = 0
  const counting: StorageAdapter = Object.create(storage, {
    list: {
      value: async function* (...args: Parameters<StorageAdapter['list']>) {
        asked.push(args[0].slice(names.chunks().length).replace('/', ''))
        for await (const stat of storage.list(...args)) {
          shown++
          yield stat
        }
      },
    },
  }) as StorageAdapter
  const space = createObjectSpace(counting, '', '0'.repeat(8))
  return {
    space,
    stored,
    async list(folders: readonly string[]) {
      const seen = new Set<string>()
      await listChunks(space, names, new Set(folders), ({ key }) => void seen.add(key), {})
      return { seen, asked, shown }
    },
  }
}

const hex = (n: number) => n.toString(16).padStart(2, '0')
const inFolders = (stored: readonly string[], folders: readonly string[]) =>
  stored.filter((name) => folders.includes(name.slice(names.chunks().length, names.chunks().length + 2)))

describe('chunks are listed', () => {
  test('at once where all of them are few', async () => {
    const { stored, list } = await spaceOf(300)
    const { seen, asked } = await list(Array.from({ length: 70 }, (_, n) => hex(n * 3)))
    expect(asked).toEqual([''])
    expect([...seen].toSorted()).toEqual(stored.toSorted())
  })

  test('by folders that are few', async () => {
    const { stored, list } = await spaceOf(300)
    const folders = ['03', '77', 'ff']
    const { seen, asked } = await list(folders)
    expect(asked).toEqual(folders)
    expect([...seen].toSorted()).toEqual(inFolders(stored, folders).toSorted())
  })

  test('by folders where all of them are many', async () => {
    const { stored, list } = await spaceOf(12_000)
    const folders = ['02', '0a', '33', '77', 'd0', 'd1', 'ff']
    const { seen, asked, shown } = await list(folders)
    expect(asked).toEqual(['', '33', '77', 'd0', 'd1', 'ff'])
    expect(shown).toBeLessThan(1500)
    expect(inFolders(stored, folders).filter((name) => !seen.has(name))).toEqual([])
  })

  test('no further than the last folder that is asked for', async () => {
    const { stored, list } = await spaceOf(12_000)
    const folders = Array.from({ length: 40 }, (_, n) => hex(n))
    const { seen, asked, shown } = await list(folders)
    expect(asked).toEqual([''])
    expect(shown).toBeLessThanOrEqual(3000)
    expect(inFolders(stored, folders).filter((name) => !seen.has(name))).toEqual([])
  })
})

test('a chunk in an archive tier is told of once, however often it is listed', async () => {
  const { space, stored } = await spaceOf(12_000)
  // The first page ends within 15, which is listed by itself then.
  const wanted = inFolders(stored, ['02', '0a', '15', '77', 'd0', 'ff'])
  let asked = 0
  const cold = {
    ...space,
    async *list(prefix: string) {
      for await (const stat of space.list(prefix)) yield { ...stat, archived: true as const }
    },
    async stat(object: string) {
      asked++
      return { ...(await space.stat(object))!, archived: true as const }
    },
  }
  const error = await failure(assertWarm(cold, new Set(wanted), names, {}), 'E_STORAGE_COLD')
  expect(error.details.objects).toBe(wanted.length)
  expect(new Set(error.details.names as string[]).size).toBe(100)
  expect(asked).toBe(wanted.length)
})
