import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast } from '../../src/holdfast.ts'
import { type CliApp, cliApp } from '../support/cli-app.ts'
import { collect } from '../support/collect.ts'
import { shopStore } from '../support/shop-store.ts'

let app: CliApp
beforeAll(async () => {
  app = await cliApp()
})
afterAll(() => app.remove())

describe('holdfast storage check', () => {
  it('proves the promises of the storage, and leaves it as it was', async () => {
    expect((await app.run(['backup', 'shop'])).exitCode).toBe(0)
    const files = () =>
      readdirSync(join(app.folder, 'backups'), { recursive: true, withFileTypes: true })
        // Folders, too: the check leaves none of its own.
        .map(({ parentPath, name }) => join(parentPath, name))
        .sort()
    const before = files()
    const run = await app.run(['storage', 'check', '--json'])
    expect(run.exitCode).toBe(0)
    expect(run.lines.filter(({ type }) => type === 'check').length).toBeGreaterThan(15)
    expect(run.lines.find(({ name }) => name === 'never overwrites with ifAbsent')).toMatchObject({ type: 'check', bucket: 'default', ok: true, problem: null })
    expect(run.lines.at(-1)).toMatchObject({ type: 'summary', command: 'storage check', exitCode: 0, buckets: ['default'], broken: 0 })
    expect(files()).toEqual(before)
  })

  it('ends with 15 for one that does not refuse what it says it lacks', async () => {
    const run = await app.run(['storage', 'check'], { env: { SHOP_NO_CONDITIONAL_PUT: '1' } })
    expect(run.exitCode).toBe(15)
    expect(run.stdout).toContain(
      'BROKEN default: refuses ifAbsent, and a repository, without conditionalPut: put with ifAbsent: expected E_CAPABILITY, got success',
    )
    expect(run.stdout).toMatch(/^kept {3}default: reads ranges$/m)
    expect(run.stdout).toMatch(/BREAKS 1 of \d+ promises\n$/)
  })

  it('ends with 2 for a bucket that is not configured', async () => {
    const run = await app.run(['storage', 'check', '--bucket', 'archive'])
    expect(run).toMatchObject({ exitCode: 2, stdout: '' })
    expect(run.stderr).toContain('E_STORAGE_UNKNOWN')
  })
})

describe('holdfast storage migrate', () => {
  const env = { SHOP_SECOND: '1' }

  it('brings the backups of one bucket into another, and goes on where it was', async () => {
    expect((await app.run(['backup', 'shop'], { env })).exitCode).toBe(0)
    const run = await app.run(['storage', 'migrate', '--from', 'default', '--to', 'second', '--json'], { env })
    expect(run.exitCode).toBe(0)
    const { copied } = run.lines.at(-1) as unknown as { readonly copied: number }
    expect(copied).toBeGreaterThan(5)
    expect(run.lines.at(-1)).toMatchObject({ type: 'summary', command: 'storage migrate', exitCode: 0, from: 'default', to: 'second', present: 0, extra: 0 })
    const again = await app.run(['storage', 'migrate', '--from', 'default', '--to', 'second', '--check-all'], { env })
    expect(again).toMatchObject({ exitCode: 0, stdout: `Copied 0 objects, 0 B, from default to second; ${copied} were there already\n` })

    // Under another prefix, and by the old name, the same repository: an application of its own reads it.
    const moved = await createHoldfast({
      stores: [shopStore(1)],
      storage: { default: { storage: fsStorage({ root: join(app.folder, 'second') }), prefix: 'moved/' } },
    })
    const snapshots = await moved.discovery.snapshots()
    expect(snapshots.length).toBeGreaterThan(0)
    for (const { id } of snapshots) expect((await moved.discovery.verify(id)).damages).toEqual([])
    await moved.close()
  })

  it('is refused for a bucket into itself, and one that is not configured', async () => {
    const same = await app.run(['storage', 'migrate', '--from', 'second', '--to', 'second'], { env })
    expect(same.exitCode).toBe(2)
    expect(same.stderr).toContain('E_CONFIG')
    expect((await app.run(['storage', 'migrate', '--from', 'default', '--to', 'third'], { env })).stderr).toContain('E_STORAGE_UNKNOWN')
  })
})

describe('holdfast.storages.check', () => {
  it('goes through all buckets, below their prefixes, and leaves them open and empty', async () => {
    const [first, second] = [memoryStorage(), memoryStorage()]
    const names: string[] = []
    const { put } = second
    second.put = async (key, ...rest) => {
      await put(key, ...rest)
      names.push(key)
    }
    const holdfast = await createHoldfast({ stores: [shopStore(1)], storage: { first, second: { storage: second, prefix: 'below/' } } })
    const seen: string[] = []
    const checks = await holdfast.storages.check({ pageObjects: 10, onResult: (_, bucket) => seen.push(bucket) })
    expect(checks).toMatchObject([
      { bucket: 'first', ok: true },
      { bucket: 'second', ok: true },
    ])
    expect(seen).toHaveLength(checks[0]!.results.length + checks[1]!.results.length)
    expect(names.length).toBeGreaterThan(20)
    expect(names.filter((name) => !name.startsWith('below/conformance-'))).toEqual([])
    for (const storage of [first, second]) expect(await collect(storage.list(''))).toEqual([])
    await holdfast.close()
  })

  it('fails as the storage does when that cannot be reached, and ends when it is aborted', async () => {
    const storage = memoryStorage()
    const holdfast = await createHoldfast({ stores: [shopStore(1)], storage })
    await expect(holdfast.storages.check({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'E_ABORTED' })
    await expect(holdfast.storages.check({ bucket: 'other' })).rejects.toMatchObject({ code: 'E_STORAGE_UNKNOWN' })
    await expect(holdfast.storages.check({ buckets: 'other' } as never)).rejects.toMatchObject({ code: 'E_CONFIG' })
    await holdfast.close()
  })
})
