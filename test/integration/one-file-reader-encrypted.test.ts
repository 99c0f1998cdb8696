import { execFile } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import type { KeyProvider } from '../../src/contracts/index.ts'
import { generateKeyFile, generateRecipient, keyFile, passphrase, recipient } from '../../src/crypto/encryption.ts'
import { archiveReader, READER } from '../support/archive-reader.ts'
import { backupRig, planOf } from '../support/backup-rig.ts'
import { orderRow, shopStore } from '../support/shop-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const run = promisify(execFile)
const reader = await archiveReader()
const home = temporaryFolder()
afterAll(() => home.remove())

const path = (name: string) => join(home.path, name)
const WORDS = 'correct horse battery'
const pair = generateRecipient()
await generateKeyFile(path('own.key'))
await generateKeyFile(path('other.key'))
writeFileSync(path('recipient'), `${pair.privateKey}\n`)

/** By the command, with secrets in the environment alone. */
async function read(env: Readonly<Record<string, string>>, ...parameters: string[]): Promise<string> {
  const { PATH } = process.env
  return (await run(process.execPath, [READER, ...parameters], { maxBuffer: 2 ** 28, env: { ...(PATH === undefined ? {} : { PATH }), ...env } })).stdout
}
const refusal = (env: Readonly<Record<string, string>>, ...parameters: string[]) =>
  read(env, ...parameters).then(
    (text) => `read: ${text}`,
    (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`,
  )

describe('the one-file reader, over an encrypted repository', () => {
  const root = path('storage')
  const folder = join(root, 'main')
  const store = shopStore(900)
  const before = { lines: '', id: '' }
  const after = { lines: '', id: '' }

  beforeAll(async () => {
    const providers: KeyProvider[] = [await keyFile(path('own.key')), passphrase(WORDS, { cost: 14 }), recipient({ publicKey: pair.publicKey })]
    const policy = { compression: 'none', level: 0, chunkBytes: 200_000, concurrency: 2 } as const
    const storage = fsStorage({ root, fsync: false })
    const plan = planOf([store], { policy, buckets: { OrderLine: 'lines' } })
    const rig = backupRig({ stores: [store], plan, storage, encryption: { providers } })
    const take = async (kind: 'full' | 'incremental') => (await (await rig.start(storage, { kind })).result()).snapshotId
    for (let id = 0; id < 900; id++) store.put('Order', orderRow(id, `order ${id} ${'x'.repeat(200)}`))
    Object.assign(before, { lines: store.lines('Order'), id: await take('full') })
    // A key of the next epoch, and what it sealed beside what the first one did.
    await (await openRepository({ storage, prefix: 'main/', encryption: { providers } })).scope().keys!.renew()
    store.put('Order', orderRow(7, 'changed'))
    Object.assign(after, { lines: store.lines('Order'), id: await take('incremental') })
  })

  it.each([
    ['a key file', { HOLDFAST_KEY_FILE: path('own.key') }],
    ['a passphrase', { HOLDFAST_PASSPHRASE: WORDS }],
    ['the private key of a recipient', { HOLDFAST_RECIPIENT: path('recipient') }],
  ])('lists and prints what was stored under either epoch, opened by %s', async (_name, env) => {
    const listed = (await read(env as never, folder))
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { snapshot: string }).snapshot)
    expect(listed).toEqual([before.id, after.id])
    expect(await read(env as never, folder, before.id, 'Order')).toBe(before.lines)
    expect(await read(env as never, folder, after.id, 'Order')).toBe(after.lines)
    // Another bucket is a repository of its own, with keys of its own.
    expect(await read(env as never, folder, after.id, 'OrderLine', join(root, 'lines'))).toBe(store.lines('OrderLine'))
  })

  it('says what is missing, wrong, destroyed or damaged, each in its own words', async () => {
    const own = { HOLDFAST_KEY_FILE: path('own.key') }
    expect(await refusal({}, folder)).toMatch(
      /^1 no key was given that opens keys\/0001\.0001: it is wrapped for key-file [0-9a-f]{16}, passphrase passphrase, x25519 /,
    )
    expect(await refusal({ HOLDFAST_KEY_FILE: path('other.key') }, folder)).toContain('1 no key was given that opens keys/0001.0001')
    expect(await refusal({ HOLDFAST_PASSPHRASE: 'incorrect horse' }, folder)).toContain('1 the key that was given is not the one of keys/0001.0001')
    writeFileSync(path('empty'), 'nothing\n')
    chmodSync(path('empty'), 0o600)
    expect(await refusal({ HOLDFAST_KEY_FILE: path('empty') }, folder)).toContain('holds no Holdfast key')
    const keys = join(folder, 's/-/keys')
    renameSync(join(keys, '0001.0001'), path('taken'))
    expect(await refusal(own, folder, before.id, 'Order')).toMatch(/^1 the key [0-9a-f]{16}, which sealed s\/-\/snapshots\/.*, is not here/)
    renameSync(path('taken'), join(keys, '0001.0001'))
    writeFileSync(join(keys, 'destroyed'), '')
    expect(await refusal(own, folder, before.id, 'Order')).toContain('1 the keys in s/-/keys were destroyed')
    renameSync(join(keys, 'destroyed'), path('destroyed'))
    expect(await read(own, folder, before.id, 'Order')).toBe(before.lines)
  })

  it('finds a flipped bit, a missing end and an exchange in every object that it reads', () => {
    const key = [reader.keyFile(path('own.key'))]
    const read = () => Buffer.concat([...reader.records(folder, reader.snapshot(folder, before.id, key), 'Order', folder, key)]).toString()
    const chunks = join(folder, 's/-/chunks')
    const names = reader
      .snapshot(folder, before.id, key)
      .entities[0]!.ranges.flatMap(({ layers }) => layers.map(({ name }) => join(chunks, name.slice(0, 2), `${name}.hfc`)))
    expect(names.length).toBeGreaterThan(1)
    const files = [join(folder, `s/-/snapshots/${before.id}/manifest`), join(folder, 'keys/0001.0001'), join(folder, 's/-/keys/0001.0001'), ...names]
    for (const [at, file] of files.entries()) {
      const sound = readFileSync(file)
      const flipped = [0, 30, sound.length >> 1, 65_600, sound.length - 20, sound.length - 1]
        .filter((offset) => offset < sound.length)
        .map((offset) => {
          const bad = Buffer.from(sound)
          bad[offset]! ^= 4
          return bad
        })
      for (const bad of [...flipped, sound.subarray(0, -1), Buffer.concat([sound, Buffer.of(0)]), readFileSync(files[(at + 1) % files.length]!)]) {
        writeFileSync(file, bad)
        expect(read, file).toThrow()
      }
      writeFileSync(file, sound)
    }
    expect(read()).toBe(before.lines)
  })

  it('leaves nothing of a record in clear for it to find without a key', () => {
    const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    for (const { parentPath, name } of all) expect(readFileSync(join(parentPath, name)).includes('order 7'), name).toBe(false)
  })
})
