import { randomBytes } from 'node:crypto'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { generateKeyFile, generateRecipient, keyFile, passphrase, recipient, secretKey } from '../../src/crypto/encryption.ts'
import type { KeyContext, KeyProvider } from '../../src/contracts/index.ts'
import { failure } from '../support/failure.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())

const key = randomBytes(64)
const context: KeyContext = { repositoryId: '01a1fc73-62d7-7000-bc8d-1910326b2c35', scope: null, purpose: 'data', keyId: '0123456789abcdef' }
const pair = generateRecipient()

const PROVIDERS: Record<string, { own: () => KeyProvider; other: () => KeyProvider }> = {
  'a key file': { own: () => secretKey(Buffer.alloc(32, 1)), other: () => secretKey(Buffer.alloc(32, 2)) },
  'a passphrase': { own: () => passphrase('correct horse', { cost: 14 }), other: () => passphrase('incorrect horse', { cost: 14 }) },
  'a recipient': { own: () => recipient(pair), other: () => recipient(generateRecipient()) },
}

describe.each(Object.entries(PROVIDERS))('%s', (_name, { own, other }) => {
  it('opens what it wrapped, which is never the same twice and does not hold the key', async () => {
    const [first, second] = [await own().wrap(key, context), await own().wrap(key, context)]
    expect(Buffer.from(first).equals(second)).toBe(false)
    expect(Buffer.from(first).includes(key.subarray(0, 8))).toBe(false)
    expect(Buffer.from(await own().unwrap(first, context)).equals(key)).toBe(true)
  })

  it('opens nothing with another key, of another place, or altered', async () => {
    const wrapped = Buffer.from(await own().wrap(key, context))
    await failure(other().unwrap(wrapped, context), 'E_KEY_WRONG')
    for (const wrong of [{ scope: 'a' }, { purpose: 'repository' as const }, { keyId: 'f'.repeat(16) }, { repositoryId: 'x' }])
      await failure(own().unwrap(wrapped, { ...context, ...wrong }), 'E_KEY_WRONG')
    for (const at of [0, 20, 60, wrapped.byteLength - 1]) {
      const flipped = Buffer.from(wrapped)
      flipped[at]! ^= 1
      await failure(own().unwrap(flipped, context), 'E_KEY_WRONG')
    }
    for (const length of [0, 1, 31, 40, wrapped.byteLength - 1]) await failure(own().unwrap(wrapped.subarray(0, length), context), 'E_KEY_WRONG')
  })

  it('is known by a name that says nothing of the key', () => {
    expect(own().reference).toBe(own().reference)
    expect(own().reference.length).toBeLessThan(20)
  })
})

describe('a key file', () => {
  it('is made once, for its owner alone, and read back', async () => {
    const path = join(folder.path, 'key')
    await generateKeyFile(path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const text = await readFile(path, 'utf8')
    await failure(generateKeyFile(path), 'E_CONFIG')
    expect(await readFile(path, 'utf8')).toBe(text)
    const [one, same] = [await keyFile(path), await keyFile(path)]
    expect(Buffer.from(await same.unwrap(await one.wrap(key, context), context)).equals(key)).toBe(true)
    expect(text).not.toContain(one.reference)
  })

  it('is refused when others may read it, when it is none, and when it is not there', async () => {
    const path = join(folder.path, 'open')
    await generateKeyFile(path)
    await chmod(path, 0o644)
    expect((await failure(keyFile(path), 'E_CONFIG')).hint).toContain('chmod 600')
    for (const [name, text] of [
      ['empty', ''],
      ['other', 'secret\n'],
      ['two', `${(await readFile(path, 'utf8')).split('\n')[1]}\n`.repeat(2)],
    ] as const) {
      await writeFile(join(folder.path, name), text, { mode: 0o600 })
      await failure(keyFile(join(folder.path, name)), 'E_CONFIG')
    }
    expect((await failure(keyFile(join(folder.path, 'nowhere')), 'E_KEY_MISSING')).hint).toContain('holdfast keys generate')
    expect((await failure(keyFile(join(path, 'below')), 'E_KEY_MISSING')).message).toContain('there is no key file')
    expect((await failure(generateKeyFile(path), 'E_CONFIG')).message).toMatch(/cannot be made: there is one$/)
    expect((await failure(generateKeyFile(join(folder.path, 'no', 'key')), 'E_CONFIG')).hint).toContain('a folder that exists')
  })
})

describe('a passphrase', () => {
  it('is the same however it was typed', async () => {
    const wrapped = await passphrase('\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9', { cost: 14 }).wrap(key, context)
    expect(Buffer.from(await passphrase('e\u0301'.repeat(8), { cost: 14 }).unwrap(wrapped, context)).equals(key)).toBe(true)
  })

  it('must not be short, nor its cost beyond bounds; a wrap that asks for more is not tried', async () => {
    expect(() => passphrase('short')).toThrow('E_CONFIG')
    for (const cost of [13, 21, 14.5]) expect(() => passphrase('long enough', { cost })).toThrow('E_CONFIG')
    const wrapped = Buffer.from(await passphrase('long enough', { cost: 14 }).wrap(key, context))
    wrapped[0] = 40
    await failure(passphrase('long enough').unwrap(wrapped, context), 'E_KEY_WRONG')
  })
})

describe('a recipient', () => {
  it('of whom the public key alone is here can wrap and not open', async () => {
    const writer = recipient({ publicKey: pair.publicKey })
    expect(writer).toMatchObject({ opens: false, reference: recipient(pair).reference })
    const wrapped = await writer.wrap(key, context)
    await failure(writer.unwrap(wrapped, context), 'E_KEY_MISSING')
    expect(Buffer.from(await recipient({ privateKey: pair.privateKey }).unwrap(wrapped, context)).equals(key)).toBe(true)
  })

  it('takes keys of its own form only, and no point that gives every key away', async () => {
    for (const text of ['', 'age1abc', pair.publicKey.slice(0, -1), pair.privateKey]) expect(() => recipient({ publicKey: text })).toThrow('E_CONFIG')
    expect(() => recipient({ privateKey: pair.publicKey })).toThrow('E_CONFIG')
    const wrapped = Buffer.from(await recipient(pair).wrap(key, context))
    wrapped.fill(0, 0, 32)
    await failure(recipient(pair).unwrap(wrapped, context), 'E_KEY_WRONG')
  })
})
