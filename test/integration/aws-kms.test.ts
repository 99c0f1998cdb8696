import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import * as sdk from '@aws-sdk/client-kms'
import { awsKms, type AwsKmsOptions } from '../../adapters/aws-kms/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { kmsFailure, startKmsStandIn } from '../support/kms-stand-in.ts'

const credentials = { accessKeyId: 'any', secretAccessKey: 'a-secret-of-the-test' }
const retry = { firstDelayMs: 1, longestDelayMs: 1 }
const standIn = await startKmsStandIn()
const { endpoint, keys, requests, answers } = standIn
const provider = (keyId: string, more: Partial<AwsKmsOptions> = {}) => awsKms({ keyId, endpoint, credentials, retry, ...more })
const context = { repositoryId: 'r', scope: 'acme', purpose: 'data', keyId: 'k' } as const
const key = Buffer.alloc(64, 5)

beforeEach(() => {
  requests.length = 0
  answers.length = 0
})
afterAll(() => standIn.stop())

describe('a key in AWS KMS', () => {
  it('opens what it wrapped, and nothing that belongs elsewhere', async () => {
    const kms = provider(standIn.makeKey())
    const wrapped = await kms.wrap(key, context)
    expect(Buffer.from(wrapped).includes(key.subarray(0, 16))).toBe(false)
    expect(Buffer.from(await kms.unwrap(wrapped, context))).toEqual(key)
    expect(requests[0]!.input.EncryptionContext).toEqual({
      'holdfast:repository': 'r',
      'holdfast:scope': 'acme',
      'holdfast:purpose': 'data',
      'holdfast:key': 'k',
    })
    for (const other of [{ repositoryId: 's' }, { scope: null }, { scope: 'b' }, { purpose: 'repository' as const }, { keyId: 'l' }])
      await expect(kms.unwrap(wrapped, { ...context, ...other })).rejects.toMatchObject({ code: 'E_KEY_WRONG' })
    await expect(provider(standIn.makeKey()).unwrap(wrapped, context)).rejects.toMatchObject({ code: 'E_KEY_WRONG' })
  })

  it('guards a repository, which another process opens with it, and nobody without', async () => {
    const storage = memoryStorage()
    const arn = standIn.makeKey()
    const open = (of: StorageAdapter, ...ids: string[]) => openRepository({ storage: of, encryption: { providers: ids.map((id) => provider(id)) } })
    await openRepository({ storage, encryption: { providers: [provider(arn)] }, create: true })
    await expect(open(storage, arn)).resolves.toBeTruthy()
    await expect(open(storage, standIn.makeKey())).rejects.toMatchObject({ code: 'E_KEY_MISSING' })
    keys.get(arn)!.enabled = false
    await expect(open(storage, arn)).rejects.toMatchObject({ code: 'E_KEY_MISSING', hint: expect.stringContaining('Enable the key') })
    keys.get(arn)!.enabled = true
    answers.push(...Array.from({ length: 5 }, () => kmsFailure('KMSInternalException', 500)))
    await expect(open(storage, arn)).rejects.toMatchObject({ code: 'E_KEY_UNAVAILABLE', retryable: true })
    await expect(open(storage, arn)).resolves.toBeTruthy()
  })

  it.each([
    ['AccessDeniedException', 'E_PERMISSION'],
    ['UnrecognizedClientException', 'E_PERMISSION'],
    ['NotFoundException', 'E_KEY_MISSING'],
    ['KMSInvalidStateException', 'E_KEY_MISSING'],
    ['InvalidKeyUsageException', 'E_CONFIG'],
  ])('that answers %s is %s, at the first try', async (type, code) => {
    answers.push(kmsFailure(type))
    const error: unknown = await provider(standIn.makeKey())
      .wrap(key, context)
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code, details: { providerCode: type } })
    expect(String(error)).not.toContain(credentials.secretAccessKey)
    expect(requests).toHaveLength(1)
  })

  it('case 13: that is throttled or in trouble for the moment is asked again', async () => {
    answers.push(kmsFailure('ThrottlingException'), kmsFailure('DependencyTimeoutException', 503), kmsFailure('KeyUnavailableException', 500))
    const kms = provider(standIn.makeKey())
    await kms.wrap(key, context)
    expect(requests).toHaveLength(4)
  })

  it('that does not answer is given up in time, or at once when aborted', async () => {
    const kms = provider(standIn.makeKey(), { retry: { ...retry, attempts: 2, attemptTimeoutMs: 50 } })
    answers.push('never', 'never')
    await expect(kms.wrap(key, context)).rejects.toMatchObject({ code: 'E_KEY_UNAVAILABLE', details: { attempts: 2, timeoutMs: 50 } })
    answers.push('never')
    await expect(provider(standIn.makeKey()).wrap(key, context, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  it('that is nowhere is told of as such', async () => {
    const kms = provider(standIn.makeKey(), { endpoint: 'http://127.0.0.1:1', retry: { ...retry, attempts: 2 } })
    await expect(kms.wrap(key, context)).rejects.toMatchObject({ code: 'E_KEY_UNAVAILABLE', details: { attempts: 2 } })
  })

  it('is asked through a client of your own', async () => {
    const client = new sdk.KMSClient({ endpoint, region: 'eu-west-1', credentials, maxAttempts: 1 })
    const kms = awsKms({ keyId: standIn.makeKey(), client })
    expect(Buffer.from(await kms.unwrap(await kms.wrap(key, context), context))).toEqual(key)
    client.destroy()
  })
})

describe('awsKms refuses', () => {
  it.each([
    ['no key', { keyId: '' }, '`keyId` must be'],
    ['an alias', { keyId: 'alias/backups' }, '`keyId` must be'],
    ['the ARN of an alias', { keyId: 'arn:aws:kms:eu-central-1:1:alias/backups' }, '`keyId` must be'],
    ['an unknown option', { keyId: 'mrk-12345678', regoin: 'x' }, 'did you mean `region`?'],
    ['options of a client beside a client', { keyId: 'mrk-12345678', client: {}, region: 'x' }, 'has its own region'],
  ])('%s', (_, options, message) => {
    expect(() => awsKms(options as AwsKmsOptions)).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(message) }))
  })
})
