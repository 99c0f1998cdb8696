import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { cloudStorage } from '../../adapters/cloud/cloud-storage.ts'
import { fsStorage } from '../../adapters/fs/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { mirrorStorage, retryStorage } from '../../src/storage/index.ts'
import { cloudDriverStub } from '../support/cloud-driver-stub.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'

/** Its types are found only among those of browsers. */
declare const WebAssembly: { readonly Memory: new (limits: { readonly initial: number }) => { readonly buffer: ArrayBuffer } }

const fresh = { ifAbsent: true } as const
const pieces = (): readonly Uint8Array[] => [Uint8Array.of(1, 2, 3), new Uint8Array(100_000).fill(4)]
const whole = Buffer.concat(pieces())
const left = (bytes: readonly Uint8Array[]): number[] => bytes.map(({ byteLength }) => byteLength)

const PLACES: readonly (readonly [string, (folder: string) => StorageAdapter])[] = [
  ['a file system', (root) => fsStorage({ root })],
  ['memory', () => memoryStorage()],
  ['a cloud', () => cloudStorage({ name: 'stub', capabilities: memoryStorage().capabilities, connect: async () => cloudDriverStub().driver })],
]

it.each(PLACES)('%s frees what is given up, and leaves what is not', async (_, open) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-transfer-'))
  const storage = open(folder)
  const [given, kept] = [pieces(), pieces()]
  await storage.put('given', given, { ...fresh, transfer: true })
  await storage.put('kept', kept, fresh)
  expect(left(given)).toEqual([0, 0])
  expect(left(kept)).toEqual([3, 100_000])
  for (const name of ['given', 'kept']) expect(Buffer.compare(await storage.get(name), whole)).toBe(0)
  await storage.close()
  await rm(folder, { recursive: true })
})

it('a file system leaves what it did not take', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-transfer-'))
  const storage = fsStorage({ root })
  await storage.put('a', pieces(), fresh)
  const given = pieces()
  await expect(storage.put('a', given, { ...fresh, transfer: true })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
  expect(left(given)).toEqual([3, 100_000])
  await rm(root, { recursive: true })
})

it('pieces may be given twice, be empty, or lie where nothing can be freed', async () => {
  const storage = memoryStorage()
  const [twice, none] = [new Uint8Array(10).fill(1), new Uint8Array(0)]
  const module = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer)
  await storage.put('a', [twice, none, twice, none, module], { ...fresh, transfer: true })
  expect((await storage.get('a')).byteLength).toBe(20 + module.byteLength)
  expect(module.byteLength).toBe(65_536)
})

it('a part of a larger buffer is left, for the rest of it is of others', async () => {
  const storage = memoryStorage()
  const shared = Buffer.alloc(100, 7)
  await storage.put('part', [shared.subarray(10, 20)], { ...fresh, transfer: true })
  expect(shared.equals(Buffer.alloc(100, 7))).toBe(true)
})

it('a storage that tries again needs it all the second time', async () => {
  const base = memoryStorage()
  const answerLost = new FaultyStorage(base, ({ n }) => (n === 1 ? { kind: 'error', when: 'after' } : undefined))
  await retryStorage(answerLost, { firstDelayMs: 1, longestDelayMs: 1 }).put('a', pieces(), { ...fresh, transfer: true })
  expect(answerLost.fired).toBe(1)
  expect(Buffer.compare(await base.get('a'), whole)).toBe(0)
})

it('a mirror stores it all in every place', async () => {
  const places = [memoryStorage({ name: 'near' }), memoryStorage({ name: 'far' }), memoryStorage({ name: 'spare' })]
  const mirror = mirrorStorage({ copies: places.map((storage, at) => ({ storage, required: at < 2 })) })
  await mirror.put('a', pieces(), { ...fresh, transfer: true })
  for (const place of places) expect(Buffer.compare(await place.get('a'), whole)).toBe(0)
})
