import { beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { type Manifest, openRepository, readRange, type RepositoryScope } from '../../src/archive/index.ts'
import { type BundleEntry, encodeEnd, encodeEntryHead, encodeHead, HEAD_BYTES, TAIL_BYTES } from '../../src/bundle/bundle-format.ts'
import { openBundleSource } from '../../src/bundle/bundle-reader.ts'
import { sha256 } from '../../src/archive/sha256.ts'
import { secretKey } from '../../src/crypto/encryption.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { memoryRepository, ordersChunk, ordersManifest } from '../support/archive-rig.ts'
import { bundleOf, importBytes, memorySource } from '../support/bundle-rig.ts'
import { failure } from '../support/failure.ts'
import { joined } from '../support/record-batches.ts'

const REFUSALS = ['E_ARCHIVE_CORRUPT', 'E_ARCHIVE_MISSING', 'E_ARCHIVE_FORMAT', 'E_KEY_MISSING', 'E_KEY_WRONG', 'E_CONFIG'] as const
const key = secretKey(Buffer.alloc(32, 5))

describe('the bytes of a bundle', () => {
  let manifest: Manifest
  let scope: RepositoryScope
  let plain: Buffer
  let sealed: Buffer

  beforeAll(async () => {
    const repository = await memoryRepository()
    scope = repository.scope()
    // Two ranges of equal lines would be one chunk; these are three.
    const chunks = [await ordersChunk(1, 6), await ordersChunk(7, 6), await ordersChunk(13, 6)]
    const stored = []
    for (const chunk of chunks) stored.push(await scope.chunks.put(chunk))
    manifest = ordersManifest(repository, stored)
    await scope.writeManifest(manifest)
    plain = await bundleOf(manifest, scope)
    sealed = await bundleOf(manifest, scope, [key])
  })

  /** The error of an import into an empty repository, after which nothing may be seen there. */
  async function refused(bytes: Buffer, identities: readonly (typeof key)[] = []): Promise<string> {
    const storage = memoryStorage()
    try {
      await importBytes(bytes, { storage, identities })
    } catch (error) {
      if (!isHoldfastError(error) || !(REFUSALS as readonly string[]).includes(error.code)) throw error
      for await (const { key: name } of storage.list('')) if (name.endsWith('/manifest')) throw new Error('a snapshot is visible', { cause: error })
      return error.code
    }
    return 'none'
  }

  it('give the same records again', async () => {
    for (const [bytes, identities] of [
      [plain, []],
      [sealed, [key]],
    ] as const) {
      const { manifest: imported, repository } = await importBytes(bytes, { identities, encryption: { providers: [secretKey(Buffer.alloc(32, 6))] } })
      const lines = async (from: Manifest, of: RepositoryScope) => {
        const parts: Buffer[] = []
        for (const range of from.entities[0]!.ranges) parts.push(Buffer.from(await joined(readRange(of.chunks, range))))
        return Buffer.concat(parts).toString()
      }
      expect(await lines(imported, repository.scope())).toBe(await lines(manifest, scope))
      expect(imported.totals).toEqual(manifest.totals)
    }
  })

  it.each(['plain', 'sealed'] as const)('of a %s one are refused when they are cut off, at any byte', async (which) => {
    const [bytes, identities] = which === 'plain' ? [plain, []] : [sealed, [key]]
    for (let length = 0; length < bytes.byteLength; length += 29)
      expect(await refused(bytes.subarray(0, length), identities), `${length} bytes`).not.toBe('none')
    expect(await refused(bytes.subarray(0, -1), identities)).toBe('E_ARCHIVE_CORRUPT')
    expect(await refused(Buffer.concat([bytes, Buffer.of(0)]), identities)).toBe('E_ARCHIVE_CORRUPT')
  })

  it.each(['plain', 'sealed'] as const)('of a %s one are refused when one of them is another', async (which) => {
    const [bytes, identities] = which === 'plain' ? [plain, []] : [sealed, [key]]
    const at = new Set([0, HEAD_BYTES - 1, HEAD_BYTES, bytes.byteLength - 1, bytes.byteLength - TAIL_BYTES])
    for (let byte = 0; byte < bytes.byteLength; byte += 41) at.add(byte)
    for (const byte of at) {
      const changed = Buffer.from(bytes)
      changed[byte]! ^= 1
      expect(await refused(changed, identities), `byte ${byte}`).not.toBe('none')
    }
  })

  it('of another format are told from damage', async () => {
    const later = Buffer.from(plain)
    later.writeUInt32LE(2, 16)
    expect(await refused(later)).toBe('E_ARCHIVE_FORMAT')
    expect(await refused(Buffer.from('PK\u0003\u0004 something else entirely'.repeat(10)))).toBe('E_ARCHIVE_CORRUPT')
  })

  /** A bundle put together anew, with hashes that fit. */
  async function forged(change: (entries: [string, Buffer][]) => [string, Buffer][], from = plain): Promise<Buffer> {
    const { entries, storage } = await openBundleSource(memorySource(from), {})
    const bodies: [string, Buffer][] = []
    for (const name of entries.keys()) bodies.push([name, Buffer.from(await storage.get(name))])
    const parts: Buffer[] = [encodeHead()]
    const listed: BundleEntry[] = []
    let offset = HEAD_BYTES
    for (const [name, body] of change(bodies)) {
      const head = encodeEntryHead(name, body.byteLength, sha256(body))
      listed.push({ name, offset: offset + head.byteLength, bytes: body.byteLength, sha256: sha256(body) })
      offset += head.byteLength + body.byteLength
      parts.push(head, body)
    }
    return Buffer.concat([...parts, encodeEnd(listed, offset)])
  }

  it('are accepted when put together as they were: the forger of these tests forges well', async () => {
    expect(await forged((entries) => entries)).toEqual(plain)
  })

  it.each(['../manifest', '/etc/passwd', 's/-/../../x', 's\\-\\x', 'CON', '.hidden', 'a//b', '', 'nul\0byte', 'x'.repeat(300), 'ä'])(
    'with an entry named %j are refused',
    async (name) => {
      expect(await refused(await forged((entries) => [...entries, [name, Buffer.from('x')]]))).toBe('E_ARCHIVE_CORRUPT')
    },
  )

  it('with an entry twice, or without one that is needed, are refused', async () => {
    expect(await refused(await forged((entries) => [...entries, entries[0]!]))).toBe('E_ARCHIVE_CORRUPT')
    const { entries } = await openBundleSource(memorySource(plain), {})
    for (const name of entries.keys()) expect(await refused(await forged((all) => all.filter(([one]) => one !== name))), name).not.toBe('none')
  })

  it('with objects that changed places are refused', async () => {
    for (const [from, identities] of [
      [plain, []],
      [sealed, [key]],
    ] as const) {
      const chunk = (name: string) => name.endsWith('.hfc')
      const swapped = await forged((entries) => {
        const [a, b] = entries.filter(([name]) => chunk(name)) as [[string, Buffer], [string, Buffer]]
        return entries.map(([name, body]) => [name, name === a[0] ? b[1] : name === b[0] ? a[1] : body])
      }, from)
      expect(await refused(swapped, identities)).toBe('E_ARCHIVE_CORRUPT')
    }
  })

  it('of two snapshots are refused', async () => {
    const other = await forged((entries) =>
      entries.flatMap(([name, body]): [string, Buffer][] => {
        const twin = name.replace(
          manifest.snapshotId,
          manifest.snapshotId.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
        )
        return twin === name
          ? [[name, body]]
          : [
              [name, body],
              [twin, body],
            ]
      }),
    )
    expect(await refused(other)).toBe('E_ARCHIVE_CORRUPT')
  })

  it('without their encryption are refused by whoever expects it', async () => {
    expect(await refused(plain, [key])).toBe('E_CONFIG')
    expect(await refused(sealed)).toBe('E_KEY_MISSING')
    expect(await refused(sealed, [{ ...secretKey(Buffer.alloc(32, 8)), reference: key.reference }])).toBe('E_KEY_WRONG')
  })

  it('do not replace another snapshot of that id', async () => {
    const storage = memoryStorage()
    const repository = await openRepository({ storage, create: true })
    const own = repository.scope()
    await own.writeManifest({ ...ordersManifest(repository, [await own.chunks.put(await ordersChunk(50, 3))], manifest.snapshotId) })
    await failure(importBytes(plain, { storage }), 'E_STORAGE_EXISTS')
  })
})
