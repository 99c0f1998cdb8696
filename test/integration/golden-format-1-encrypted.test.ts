import { createHash } from 'node:crypto'
import { chmodSync, cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { openRepository, readRange, type Repository } from '../../src/archive/index.ts'
import type { KeyProvider } from '../../src/contracts/index.ts'
import { keyFile, passphrase, recipient } from '../../src/crypto/encryption.ts'
import { canonicalJson } from '../../src/kernel/canonical-json.ts'
import { ROOT } from '../architecture/source-files.ts'
import { archiveReader } from '../support/archive-reader.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Facts {
  readonly repositoryId: string
  readonly keys: readonly { readonly purpose: string; readonly epoch: number; readonly keyId: string }[]
  /** `manifestSha256`: of the canonical JSON of what `readManifest` gave. */
  readonly snapshots: readonly { readonly id: string; readonly name: string; readonly file: string; readonly rows: number; readonly manifestSha256: string }[]
}

const GOLDEN = join(ROOT, 'test/fixtures/golden/format-1-encrypted')
const facts = JSON.parse(readFileSync(join(GOLDEN, 'expected/facts.json'), 'utf8')) as Facts
const expectedLines = (file: string) => readFileSync(join(GOLDEN, 'expected', file), 'utf8')

// On a copy: nothing may touch the golden bytes, whatever the code under test does. And a checkout does not keep the mode of a key file.
const copy = temporaryFolder()
afterAll(() => copy.remove())
cpSync(GOLDEN, copy.path, { recursive: true })
const folder = join(copy.path, 'repository')
const secret = (name: string) => join(copy.path, 'keys', name)
const secretText = (name: string) => readFileSync(secret(name), 'utf8').trim()
chmodSync(secret('key-file'), 0o600)

const providers: Readonly<Record<string, () => KeyProvider | Promise<KeyProvider>>> = {
  'the key file': () => keyFile(secret('key-file')),
  'the passphrase': () => passphrase(secretText('passphrase'), { cost: 14 }),
  'the recipient': () => recipient({ privateKey: secretText('recipient') }),
}

describe.each(Object.entries(providers))('the golden encrypted repository of format 1, opened by %s', (_name, provider) => {
  const open = async (): Promise<Repository> => openRepository({ storage: fsStorage({ root: folder }), encryption: { providers: [await provider()] } })

  it('has the keys that it had', async () => {
    const repository = await open()
    expect(repository.id).toBe(facts.repositoryId)
    const records = [...(await repository.keys!.records()), ...(await repository.scope().keys!.records())]
    expect(records.map(({ purpose, epoch, keyId }) => ({ purpose, epoch, keyId }))).toEqual(facts.keys)
  })

  it.each(facts.snapshots)('has the manifest and the lines of $name', async ({ id, file, rows, manifestSha256 }) => {
    const scope = (await open()).scope()
    const manifest = await scope.readManifest(id)
    expect(createHash('sha256').update(canonicalJson(manifest)).digest('hex')).toBe(manifestSha256)
    expect([manifest.totals.rows, manifest.requiredFeatures.includes('encryption')]).toEqual([rows, true])
    const parts: Uint8Array[] = []
    for (const range of manifest.entities[0]!.ranges) for await (const part of readRange(scope.chunks, range)) parts.push(part)
    expect(Buffer.concat(parts).toString()).toBe(expectedLines(file))
  })
})

describe('the golden encrypted repository of format 1, by the one-file reader', async () => {
  const reader = await archiveReader()
  const keys = {
    'the key file': () => reader.keyFile(secret('key-file')),
    'the passphrase': () => reader.passphrase(secretText('passphrase')),
    'the recipient': () => reader.recipient(secretText('recipient')),
  }
  it.each(Object.entries(keys))('gives its lines, opened by %s', (_name, key) => {
    for (const { id, file } of facts.snapshots) {
      const lines = Buffer.concat([...reader.records(folder, reader.snapshot(folder, id, [key()]), 'Thing', folder, [key()])])
      expect(lines.toString()).toBe(expectedLines(file))
    }
  })
})
