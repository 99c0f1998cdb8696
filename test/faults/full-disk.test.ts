import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { backupRig, codeOf, planOf } from '../support/backup-rig.ts'
import { collect } from '../support/collect.ts'
import { notRun } from '../support/not-run.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const CHILD = fileURLToPath(new URL('kills/child.ts', import.meta.url))
let folder: ReturnType<typeof temporaryFolder>
let root: string

beforeEach(() => {
  folder = temporaryFolder()
  root = join(folder.path, 'root')
})
afterEach(() => folder.remove())

const filesBelow = (path: string) => readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())

describe('case 03: a backup onto a disk that is really full', () => {
  test('fails with E_STORAGE_FULL wherever the disk ends, leaves nothing unfinished, and goes on when there is space', async () => {
    mkdirSync(root)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'holdfast-test', root])
    if (mounted.status !== 0) return notRun('a backup onto a full file system', 'mounting a tmpfs is not permitted', { required: false })
    try {
      const store = shopStore(400)
      for (let id = 0; id < 400; id++) store.put('Order', orderRow(id, `order ${id} ${String(id * 7919).repeat(20)}`))
      const plan = planOf([store], { policy: { compression: 'none', level: 0, chunkBytes: 8192, concurrency: 2 } })
      const storage = fsStorage({ root })
      const rig = backupRig({ stores: [store], plan, storage })
      let token = ''
      const ends = new Set<number>()
      // In small steps, of which an attempt takes three pages for itself: the disk ends in chunks, indexes, journal entries and manifest in turn.
      for (let size = 64; ; size += 20) {
        expect(size, 'a disk on which it fits').toBeLessThan(1024)
        spawnSync('mount', ['-o', `remount,size=${size}k`, root])
        const session = await (token === '' ? rig.start() : rig.resume(token)).catch((error: { code: string }) => error.code)
        if (typeof session === 'string') {
          expect(session).toBe('E_STORAGE_FULL')
          continue
        }
        token = session.token
        const outcome = await codeOf(session.result())
        expect(filesBelow(join(root, '.tmp'))).toEqual([])
        if (outcome === 'none') break
        expect(outcome).toBe('E_STORAGE_FULL')
        expect(await rig.snapshots()).toEqual([])
        ends.add(filesBelow(root).length)
      }
      expect(ends.size).toBeGreaterThan(5)
      const [id] = await rig.snapshots()
      const manifest = await rig.manifest(id!)
      for (const entity of SHOP_ENTITIES) expect(await rig.lines(manifest, entity)).toBe(store.lines(entity))
    } finally {
      spawnSync('umount', [root])
    }
  })
})

describe('case 04: a backup whose disk fails in fsync', () => {
  // One that fails alone is not tried again either: the next one would succeed.
  test.each(['12+', '25', '60', '60+'])('at call %s: the run fails, nothing counts that was not synced, and what is visible is whole', async (calls) => {
    if (spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status !== 0)
      return notRun('EIO in fsync of a backup', 'strace is not installed, or may not trace', { required: false })
    mkdirSync(root)
    const inject = ['-e', 'trace=fsync', '-e', `inject=fsync:error=EIO:when=${calls}`]
    const env = { ...process.env, UV_THREADPOOL_SIZE: '1', HOLDFAST_KILLS_FSYNC: '1' }
    const child = spawn('strace', ['-f', '-q', '-o', '/dev/null', ...inject, process.execPath, CHILD, root], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (data: string) => (stderr += data))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code, stderr).not.toBe(0)
    expect(stderr).toContain('fsync')
    const scope = (await openRepository({ storage: fsStorage({ root: join(root, 'store') }), prefix: 'main/' })).scope()
    for (const { id } of await collect(scope.listSnapshots())) {
      const { entities } = await scope.readManifest(id)
      for (const { ranges } of entities) for (const ref of ranges.flatMap(({ layers }) => layers)) await scope.chunks.verify(ref, { level: 'plain' })
    }
    // No journal names a chunk whose put failed.
    for (const id of new Set((await collect(scope.objects.list(scope.objects.names.sessions()))).map(({ key }) => key.split('/')[3]!))) {
      const { entries } = await scope.sessions.readJournal(id)
      for (const { range } of entries.flatMap(({ ranges = [] }) => ranges))
        for (const ref of range.layers) await scope.chunks.verify(ref, { level: 'presence' })
    }
  })
})
