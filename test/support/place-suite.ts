import { describe, expect, it } from 'vitest'
import type { AdapterCapabilities, StorageAdapter } from '../../src/contracts/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { conformanceCases, runConformanceCase } from '../../src/storage/conformance/index.ts'
import { backupSuite } from './backup-suite.ts'
import { collect } from './collect.ts'

export interface PlaceSuite {
  readonly capabilities: AdapterCapabilities
  /** A new adapter on the place; called after the server is up. */
  open(prefix: string): StorageAdapter
}

/** What every cloud storage must pass on a real place: the conformance suite, and a backup that comes back. */
export function placeSuite({ capabilities, open }: PlaceSuite): void {
  describe('keeps its promises', () => {
    for (const one of conformanceCases(capabilities)) it(one.name, () => runConformanceCase(one, { open: () => open('suite/') }))
  })

  backupSuite(open)

  describe('at its edges', () => {
    it('takes bodies of more than one request, create-only too', async () => {
      const storage = open(`large-${uuidv7()}/`)
      // Bytes that differ from place to place, so that parts out of order are found.
      const body = Buffer.alloc(35 * 1024 * 1024 + 7)
      for (let at = 0; at + 4 <= body.byteLength; at += 4096) body.writeUInt32LE(at, at)
      await storage.put('large', body, { ifAbsent: true })
      expect(Buffer.compare(await storage.get('large'), body)).toBe(0)
      expect(await storage.stat('large')).toMatchObject({ bytes: body.byteLength })
      body.fill(1)
      await expect(storage.put('large', body, { ifAbsent: true })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
      expect(Buffer.from(await storage.get('large', { range: { start: 4096, end: 4100 } })).readUInt32LE()).toBe(4096)
      const raced = await Promise.allSettled(['a', 'b', 'c'].map((letter) => storage.put('raced', body.fill(letter), { ifAbsent: true })))
      expect(raced.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      await empty(storage)
    })

    it('ends a put that is aborted, and leaves nothing that is seen', async () => {
      const storage = open(`aborted-${uuidv7()}/`)
      await storage.put('first', Buffer.from('x'), { ifAbsent: true })
      for (const size of [20 * 1024 * 1024, 70 * 1024 * 1024]) {
        const controller = new AbortController()
        const put = storage.put('aborted', Buffer.alloc(size), { ifAbsent: true, signal: controller.signal })
        setTimeout(() => controller.abort(), 5)
        await expect(put).rejects.toMatchObject({ code: 'E_ABORTED' })
      }
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(await storage.stat('aborted')).toBeNull()
      await empty(storage)
    })

    it('keeps to its prefix', async () => {
      const [left, right] = [open(`left-${uuidv7()}/`), open(`right-${uuidv7()}/`)]
      await left.put('same', Buffer.from('left'), { ifAbsent: true })
      await right.put('same', Buffer.from('right'), { ifAbsent: true })
      expect(String(await left.get('same'))).toBe('left')
      expect((await collect(right.list(''))).map(({ key }) => key).filter((key) => key !== 'holdfast-probe')).toEqual(['same'])
      await expect(left.get('../same')).rejects.toMatchObject({ code: 'E_STORAGE_KEY' })
      await empty(left)
      expect(String(await right.get('same'))).toBe('right')
      await empty(right)
    })

    it('deletes more than one batch has', async () => {
      const storage = open(`many-${uuidv7()}/`)
      const keys = Array.from({ length: 300 }, (_, n) => `n/${String(n).padStart(4, '0')}`)
      for (let at = 0; at < keys.length; at += 30)
        await Promise.all(keys.slice(at, at + 30).map((key) => storage.put(key, Buffer.from(key), { ifAbsent: false })))
      await storage.delete([...keys, 'n/absent'])
      expect(await collect(storage.list('n/'))).toEqual([])
      await empty(storage)
    })

    it('opens no repository where there is none', async () => {
      const storage = open(`none-${uuidv7()}/`)
      await expect(openRepository({ storage })).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
      await storage.close()
    })
  })
}

async function empty(storage: StorageAdapter): Promise<void> {
  await storage.delete((await collect(storage.list(''))).map(({ key }) => key))
  await storage.close()
}
