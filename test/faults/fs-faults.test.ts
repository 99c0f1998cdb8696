import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { ordersChunk } from '../support/archive-rig.ts'
import { notRun } from '../support/not-run.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const WRITER = fileURLToPath(new URL('../fixtures/fs-writer.ts', import.meta.url))
const createOnly = { ifAbsent: true } as const
let folder: ReturnType<typeof temporaryFolder>
let root: string

beforeEach(() => {
  folder = temporaryFolder()
  root = join(folder.path, 'root')
})
afterEach(() => folder.remove())

/** Everything below the root that is not a folder, unfinished files included. */
function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .toSorted()
}

async function listed(storage = fsStorage({ root })): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of storage.list('')) keys.push(key)
  return keys
}

describe('a file system storage', () => {
  test('is not made by looking at it', async () => {
    const storage = fsStorage({ root })
    expect(await storage.stat('a')).toBeNull()
    expect(await listed(storage)).toEqual([])
    await expect(storage.get('a')).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
    await storage.delete(['a'])
    expect((await storage.quota!()).freeBytes).toBeGreaterThan(0)
    expect(existsSync(root)).toBe(false)
  })

  test('says so when its root is a file, or stands below one', async () => {
    writeFileSync(root, 'not a folder')
    for (const storage of [fsStorage({ root }), fsStorage({ root: join(root, 'below') })]) {
      const refused = { code: 'E_CONFIG', message: expect.stringContaining(root), hint: expect.stringContaining('folder'), retryable: false }
      await expect(storage.put('a', Buffer.from('x'), createOnly)).rejects.toMatchObject(refused)
    }
    await expect(fsStorage({ root }).get('a')).rejects.toMatchObject({ code: 'E_CONFIG' })
    await expect(fsStorage({ root }).stat('a')).rejects.toMatchObject({ code: 'E_CONFIG' })
  })

  test('says so where no folder can be made, and goes on trying nowhere', async () => {
    // Linux says of a folder to be made in /proc that there is no such way, although /proc is there; elsewhere there is no /proc, and who is not root may not make one.
    const storage = fsStorage({ root: '/proc/holdfast/backups' })
    const error = await storage.put('a', Buffer.from('x'), createOnly).catch((found: unknown) => found)
    expect(error).toMatchObject({ code: expect.stringMatching(/^E_(STORAGE|PERMISSION)$/), message: expect.stringContaining('/proc/holdfast') })
  })

  test('keeps objects for their owner alone', async () => {
    await fsStorage({ root }).put('a/b', Buffer.from('x'), createOnly)
    const mode = (path: string) => statSync(path).mode & 0o777
    expect([mode(root), mode(join(root, 'a')), mode(join(root, 'a/b')), mode(join(root, '.tmp'))]).toEqual([0o700, 0o700, 0o600, 0o700])
  })

  test('leaves no unfinished file behind, whatever happens', async () => {
    const storage = fsStorage({ root })
    await storage.put('taken', Buffer.from('x'), createOnly)
    const outcomes = await Promise.allSettled([
      storage.put('taken', Buffer.alloc(1e6), createOnly),
      storage.put('wrong-sum', Buffer.alloc(1e6), { ...createOnly, sha256: '0'.repeat(64) }),
      storage.put('aborted', [Buffer.alloc(1e6), Buffer.alloc(1e6)], { ...createOnly, signal: AbortSignal.timeout(0) }),
      storage.put('taken/below', Buffer.alloc(10), createOnly),
      storage.put('fine', Buffer.alloc(1e6), createOnly),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected', 'fulfilled'])
    expect(filesBelow(root)).toEqual(['fine', 'taken'])
  })

  test('sweeps what crashed writers left more than a day ago, and nothing else', async () => {
    mkdirSync(join(root, '.tmp'), { recursive: true })
    for (const name of ['stale', 'fresh']) writeFileSync(join(root, '.tmp', name), 'x')
    const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600
    utimesSync(join(root, '.tmp/stale'), twoDaysAgo, twoDaysAgo)
    const storage = fsStorage({ root })
    await storage.put('object', Buffer.from('x'), createOnly)
    expect(filesBelow(root)).toEqual(['.tmp/fresh', 'object'])
  })

  test('case 37: follows no link out of its root', async () => {
    const outside = join(folder.path, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'secret'), 'secret')
    const storage = fsStorage({ root })
    await storage.put('real/object', Buffer.from('x'), createOnly)
    symlinkSync(outside, join(root, 'folder'))
    symlinkSync(join(outside, 'secret'), join(root, 'file'))
    symlinkSync(join(root, 'real'), join(root, 'inside'))
    for (const key of ['folder/secret', 'file', 'inside/object']) await expect(storage.get(key), key).rejects.toMatchObject({ code: 'E_STORAGE_KEY' })
    for (const key of ['folder/new', 'inside/new', 'folder/deep/new'])
      await expect(storage.put(key, Buffer.from('x'), createOnly), key).rejects.toMatchObject({ code: 'E_STORAGE_KEY' })
    await expect(storage.put('file', Buffer.from('x'), createOnly)).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    await expect(storage.delete(['folder/secret'])).rejects.toMatchObject({ code: 'E_STORAGE_KEY' })
    await storage.delete(['file'])
    expect(await listed(storage)).toEqual(['real/object'])
    expect(filesBelow(outside)).toEqual(['secret'])
  })

  test('may itself be reached through a link', async () => {
    mkdirSync(join(folder.path, 'real'))
    symlinkSync(join(folder.path, 'real'), root)
    const storage = fsStorage({ root })
    await storage.put('a/b', Buffer.from('x'), createOnly)
    expect(await listed(storage)).toEqual(['a/b'])
  })

  test('takes a pipe for no object, and does not wait for it', async () => {
    const storage = fsStorage({ root })
    await storage.put('object', Buffer.from('x'), createOnly)
    if (spawnSync('mkfifo', [join(root, 'pipe')]).status !== 0)
      return notRun('a pipe in the place of an object', 'mkfifo is not installed', { required: false })
    await expect(storage.get('pipe')).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
    expect(await storage.stat('pipe')).toBeNull()
    expect(await listed(storage)).toEqual(['object'])
  })

  test('makes a folder again that was removed under it', async () => {
    const storage = fsStorage({ root })
    await storage.put('a/b/one', Buffer.from('1'), createOnly)
    rmSync(join(root, 'a'), { recursive: true })
    await storage.put('a/b/two', Buffer.from('2'), createOnly)
    expect(await listed(storage)).toEqual(['a/b/two'])
  })

  test('leaks no file handles', async () => {
    if (!existsSync('/proc/self/fd')) return notRun('file handles of the file system storage', 'there is no /proc', { required: false })
    const storage = fsStorage({ root })
    const open = () => readdirSync('/proc/self/fd').length
    await storage.put('warm', Buffer.from('x'), createOnly)
    const before = open()
    for (let i = 0; i < 200; i++) {
      await Promise.allSettled([
        storage.put(`object-${i % 50}`, Buffer.alloc(1000), createOnly),
        storage.put(`bad-${i}`, Buffer.alloc(1000), { ...createOnly, sha256: 'x' }),
        storage.get('absent'),
        storage.get('warm', { signal: AbortSignal.abort() }),
        storage.get('warm'),
      ])
    }
    expect(open()).toBeLessThanOrEqual(before)
  })
})

describe('a denied folder', () => {
  test('is E_PERMISSION, not a missing or empty repository', async () => {
    await fsStorage({ root }).put('a/b', Buffer.from('x'), createOnly)
    const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    chmodSync(folder.path, 0o755)
    chmodSync(root, 0o000)
    const run = spawnSync(process.execPath, [WRITER, root, '10', 'new'], { ...asNobody, encoding: 'utf8' })
    chmodSync(root, 0o700)
    if (run.error || !run.stdout.startsWith('{'))
      return notRun('a folder without rights', `another user cannot start node here: ${run.error?.message ?? run.stderr.slice(0, 200)}`, { required: false })
    expect(JSON.parse(run.stdout)).toMatchObject({ code: 'E_PERMISSION' })
  })
})

describe('processes', () => {
  test('that race for one name: one wins', async () => {
    const keys = Array.from({ length: 20 }, (_, i) => `race/${i}`)
    const racers = await Promise.all(Array.from({ length: 6 }, () => output(spawn(process.execPath, [WRITER, root, '50000', ...keys]))))
    const outcomes = racers.map((lines) => lines.map((line) => JSON.parse(line) as { ok?: true; sha256?: string; code?: string }))
    const storage = fsStorage({ root })
    for (const [i, key] of keys.entries()) {
      const winners = outcomes.map((outcome) => outcome[i]!).filter(({ ok }) => ok)
      expect(winners, key).toHaveLength(1)
      expect(new Set(outcomes.map((outcome) => outcome[i]!.code))).toEqual(new Set([undefined, 'E_STORAGE_EXISTS']))
      expect(
        createHash('sha256')
          .update(await storage.get(key))
          .digest('hex'),
      ).toBe(winners[0]!.sha256)
    }
  })

  test('killed while they write leave only whole objects', async () => {
    for (let round = 0; round < 12; round++) {
      const writer = spawn(process.execPath, [WRITER, root, '3000000', '@forever'])
      const lines = output(writer)
      await new Promise<void>((resolve) => writer.stdout.once('data', () => resolve()))
      setTimeout(() => writer.kill('SIGKILL'), Math.random() * 60)
      const acknowledged = await lines
      const storage = fsStorage({ root })
      const visible = new Map<string, string>()
      for (const key of await listed(storage))
        visible.set(
          key.slice(-64),
          createHash('sha256')
            .update(await storage.get(key))
            .digest('hex'),
        )
      for (const [name, sha256] of visible) expect(sha256).toBe(name)
      for (const name of acknowledged) expect(visible.has(name)).toBe(true)
      rmSync(join(root, 'objects'), { recursive: true })
    }
  })
})

describe('a full file system', () => {
  test('case 03: is E_STORAGE_FULL, leaves nothing, and works again when there is space', async () => {
    mkdirSync(root)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=300k,mode=0700', 'holdfast-test', root])
    if (mounted.status !== 0) return notRun('a full file system', 'mounting a tmpfs is not permitted', { required: false })
    try {
      const storage = fsStorage({ root })
      const { chunks } = (await openRepository({ storage, create: true })).scope()
      await storage.put('filler', Buffer.alloc(100_000), createOnly)
      await expect(storage.put('large', Buffer.alloc(250_000), createOnly)).rejects.toMatchObject({ code: 'E_STORAGE_FULL', retryable: true })
      expect(filesBelow(root)).toEqual(['filler', 'repository.json'])
      const chunk = await ordersChunk(1, 20_000, { compression: 'none', level: 0 })
      await expect(chunks.put(chunk)).rejects.toMatchObject({ code: 'E_STORAGE_FULL' })
      expect(filesBelow(root).filter((file) => !file.endsWith('.hfx'))).toEqual(['filler', 'repository.json'])
      spawnSync('mount', ['-o', 'remount,size=20m', root])
      const { ref } = await chunks.put(chunk)
      await chunks.verify(ref, { level: 'plain' })
    } finally {
      spawnSync('umount', [root])
    }
  })
})

describe('system calls', () => {
  const canTrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0
  /** strace counts the calls of each thread on its own. */
  const ONE_THREAD = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const traced = (...args: string[]) => spawnSync('strace', ['-f', '-q', '-y', ...args], { encoding: 'utf8', maxBuffer: 1 << 26, env: ONE_THREAD })
  const untraceable = (name: string) => notRun(name, 'strace is not installed, or may not trace', { required: false })

  test('case 02: come in the order that a power cut asks for', async () => {
    if (!canTrace) return untraceable('the order of system calls of a put')
    const { stdout, stderr } = traced(
      '-e',
      'trace=fsync,link,linkat,unlink,unlinkat,write,pwrite64,writev,pwritev',
      process.execPath,
      WRITER,
      root,
      '100000',
      'folder/object',
    )
    expect(stdout).toContain('"ok":true')
    const calls = stderr.split('\n').filter((line) => line.includes(root) || line.includes('{\\"ok\\":true'))
    const position = (pattern: RegExp) => calls.findLastIndex((line) => pattern.test(line))
    const order = [
      position(/(?:p?write(?:64|v)?)\(\d+<[^>]*\/\.tmp\//), // the bytes
      position(/fsync\(\d+<[^>]*\/\.tmp\//), // on the disk
      position(/link(?:at)?\(.*\.tmp\/.*"[^"]*\/folder\/object"/), // visible
      position(/fsync\(\d+<[^>]*\/folder>/), // the entry on the disk
      position(/unlink(?:at)?\(.*\.tmp\//), // the other name goes: nobody takes the object back any more
      position(/write\(1.*ok/), // acknowledged
    ]
    expect(
      order.every((at) => at >= 0),
      calls.join('\n'),
    ).toBe(true)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    // The folders that were made are entries too.
    expect(position(/fsync\(\d+<[^>]*\/root>/)).toBeGreaterThanOrEqual(0)
    expect(stderr).toMatch(new RegExp(`fsync\\(\\d+<${folder.path}>`))
  })

  // Calls of a first put: the folder of `folder` (its entry in the root), the file, the folder of the object.
  test.each([
    ['the file', 2],
    ['the folder', 3],
  ])('case 04: that fail with EIO, in fsync of %s, fail the put and are not tried again', async (what, call) => {
    if (!canTrace) return untraceable(`EIO in fsync of ${what}`)
    mkdirSync(root)
    const { stdout, stderr } = traced('-e', 'trace=fsync', '-e', `inject=fsync:error=EIO:when=${call}`, process.execPath, WRITER, root, '1000', 'folder/object')
    expect(JSON.parse(stdout), stderr).toMatchObject({ code: 'E_STORAGE', details: { fatal: true }, hint: expect.stringContaining('disk') })
    expect(stderr.match(/fsync\(/g), stderr).toHaveLength(call)
    expect(filesBelow(root)).toEqual([])
  })

  test('that fail in fsync of the folder take no object away that another writer counts on by then', async () => {
    if (!canTrace) return untraceable('a failing fsync beside another writer')
    mkdirSync(root)
    // The folder of the object is the third to be synced: late, and in vain.
    const inject = ['-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO:delay_enter=2000000:when=3']
    const writer = spawn('strace', ['-f', '-q', ...inject, process.execPath, WRITER, root, '1000', 'folder/object'], { env: ONE_THREAD })
    const lines = output(writer)
    while (!existsSync(join(root, 'folder/object')) && writer.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5))
    const storage = fsStorage({ root })
    const other = await storage.put('folder/object', Buffer.from('mine'), createOnly).then(
      () => 'stored',
      (error: { code: string }) => error.code,
    )
    expect(JSON.parse((await lines)[0]!)).toMatchObject({ code: 'E_STORAGE', details: { fatal: true } })
    // On a machine so slow that the first had given up before the second came, the second stored its own.
    expect(['E_STORAGE_EXISTS', 'stored']).toContain(other)
    expect((await storage.get('folder/object')).byteLength).toBe(other === 'stored' ? 4 : 1000)
    await storage.delete(['folder/object'])
    await storage.put('folder/object', Buffer.from('again'), createOnly)
  })

  test('that fail with EDQUOT when the data are flushed mean that the storage is full', async () => {
    if (!canTrace) return untraceable('EDQUOT in fsync')
    mkdirSync(root)
    const { stdout, stderr } = traced('-e', 'trace=fsync', '-e', 'inject=fsync:error=EDQUOT:when=1', process.execPath, WRITER, root, '1000', 'object')
    expect(JSON.parse(stdout), stderr).toMatchObject({ code: 'E_STORAGE_FULL' })
    expect(filesBelow(root)).toEqual([])
  })

  test('without link, the storage is refused by capability', async () => {
    if (!canTrace) return untraceable('a file system without hard links')
    const { stdout, stderr } = traced(
      '-e',
      'trace=link,linkat',
      '-e',
      'inject=link,linkat:error=EPERM',
      process.execPath,
      WRITER,
      root,
      '1000',
      'folder/object',
    )
    expect(JSON.parse(stdout), stderr).toMatchObject({ code: 'E_CAPABILITY', details: { missing: ['conditionalPut'] } })
    expect(filesBelow(root)).toEqual([])
  })
})

async function output(child: ReturnType<typeof spawn>): Promise<string[]> {
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (data: string) => (text += data))
  await new Promise((resolve) => child.once('close', resolve))
  return text.split('\n').filter((line) => line !== '')
}
