import type { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { azureBlobStorage } from '../../adapters/azure-blob/index.ts'
import { gcsStorage } from '../../adapters/gcs/index.ts'
import { s3Storage } from '../../adapters/s3/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { createProgram } from '../../src/cli/program.ts'
import type { Logger, StorageAdapter } from '../../src/contracts/index.ts'
import { generateKeyFile, generateRecipient, keyFile, passphrase, recipient } from '../../src/crypto/encryption.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { openSqliteShop, SHOP_SCHEMAS, type SqliteShop } from '../fixtures/sqlite-shop.ts'
import { cliApp } from '../support/cli-app.ts'
import { collect } from '../support/collect.ts'
import { failure as s3Failure, startS3StandIn } from '../support/s3-stand-in.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
const keyPath = join(folder.path, 'own.key')
await generateKeyFile(keyPath)
const keySecret = /holdfast-key-1:(\S+)/.exec(readFileSync(keyPath, 'utf8'))![1]!
const pair = generateRecipient()
const WORDS = 'planted passphrase of nobody'
const S3_SECRET = 'PlantedSecretAccessKeyOfNobody'
const AZURE_KEY = Buffer.from('planted account key of nobody, long enough').toString('base64')
const SAS = 'PlantedSignatureOfNobody'

/** Each in the forms that it could be written in. */
const PLANTED = new Map<string, Buffer>()
const plant = (name: string, bytes: Buffer): void => {
  PLANTED.set(name, bytes)
  for (const form of ['hex', 'base64', 'base64url'] as const) PLANTED.set(`${name}, in ${form}`, Buffer.from(bytes.toString(form).replace(/=+$/, '')))
}
plant('the key of the key file', Buffer.from(keySecret, 'base64url'))
plant('the private key of the recipient', Buffer.from(pair.privateKey.split(':')[1]!, 'base64url'))
plant('the passphrase', Buffer.from(WORDS))
plant('the secret of S3', Buffer.from(S3_SECRET))
plant('the key of the account', Buffer.from(AZURE_KEY, 'base64'))
plant('the signature of the SAS', Buffer.from(SAS))

function expectNone(where: string, found: string | Uint8Array): void {
  const bytes = Buffer.from(found)
  for (const [name, secret] of PLANTED) expect(bytes.includes(secret), `${where} holds ${name}`).toBe(false)
}

/** All of it, causes, hidden members and what hangs on them included. */
const whole = (value: unknown): string =>
  `${inspect(value, { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null })}\n${JSON.stringify(value)}`

const s3 = await startS3StandIn()
const credentials = { accessKeyId: 'planted-id', secretAccessKey: S3_SECRET }
const onS3 = (): StorageAdapter => s3Storage({ bucket: 'bucket', endpoint: s3.endpoint, credentials, retry: { attempts: 1 } })

let shop: SqliteShop
const logged: string[] = []
const log = (level: string) => (facts: object, message: string) => void logged.push(`${level} ${message} ${whole(facts)}`)
const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
const opened: Holdfast[] = []

async function openWith(storage: StorageAdapter): Promise<Holdfast> {
  const providers = [await keyFile(keyPath), passphrase(WORDS, { cost: 14 }), recipient({ privateKey: pair.privateKey })]
  const plan = definePlan({ id: 'shop', description: 'Orders and all they need', entities: [...SHOP_SCHEMAS] })
  const holdfast = await createHoldfast({ stores: [typeormStore(shop.dataSource)], storage, plans: [plan], encryption: { providers }, logger })
  opened.push(holdfast)
  return holdfast
}

async function failed(call: () => Promise<unknown>): Promise<unknown> {
  const error: unknown = await call().then(
    () => expect.unreachable('it was to fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ code: expect.stringMatching(/^E_/) })
  return error
}

beforeAll(async () => {
  shop = await openSqliteShop(folder.path)
})
afterAll(async () => {
  for (const holdfast of opened) await holdfast.close()
  await shop.dataSource.destroy()
  await s3.stop()
  folder.remove()
})

describe('no planted secret', () => {
  it('stands in what is stored, sealed or opened, in a token, a result, progress or a report', async () => {
    const holdfast = await openWith(onS3())
    const paused = await holdfast.backups.start('shop')
    await paused.pause()
    expectNone('the token', paused.token + Buffer.from(paused.token.split('.')[0]!, 'base64url').toString())
    const result = await (
      await paused.result().then(
        () => holdfast.backups.start('shop'),
        () => holdfast.backups.resume(paused.token),
      )
    ).result()
    await holdfast.keys.renew()
    await holdfast.keys.rewrap()
    await shop.dataSource.query('DELETE FROM order_line WHERE order_id <= 5')
    const session = await holdfast.restores.start({ snapshot: result.snapshotId, undo: true })
    const restored = await session.result()
    const told = {
      result,
      restored,
      progress: session.current,
      keys: await holdfast.keys.list(),
      report: holdfast.report,
      prune: await holdfast.discovery.prune({ dryRun: true }),
    }
    for (const [name, value] of Object.entries(told)) expectNone(name, whole(value))
    expect(s3.objects.size).toBeGreaterThan(10)
    for (const [key, { body }] of s3.objects) expectNone(key, Buffer.concat([Buffer.from(key), body]))
    // What is inside: manifests and the records of restores, opened.
    const scope = (await openRepository({ storage: onS3(), encryption: { providers: [await keyFile(keyPath)] } })).scope()
    for (const { id } of await collect(scope.listSnapshots())) expectNone(`manifest ${id}`, JSON.stringify(await scope.readManifest(id)))
    expectNone('the inspected application', whole(holdfast.discovery))
  })

  it('stands in an error, its cause or anything that hangs on it, nor in a log', async () => {
    const storages: Readonly<Record<string, StorageAdapter>> = {
      's3, refused': onS3(),
      's3, unreachable': s3Storage({ bucket: 'bucket', endpoint: 'http://127.0.0.1:1', credentials, retry: { attempts: 1 } }),
      azure: azureBlobStorage({
        connectionString: `DefaultEndpointsProtocol=http;AccountName=nobody;AccountKey=${AZURE_KEY};BlobEndpoint=http://127.0.0.1:1/nobody`,
        container: 'backups',
        retry: { attempts: 1 },
      }),
      'azure, by a SAS': azureBlobStorage({ url: `http://127.0.0.1:1/nobody?sv=2024-11-04&sig=${SAS}`, container: 'backups', retry: { attempts: 1 } }),
      gcs: gcsStorage({ bucket: 'bucket', apiEndpoint: 'http://127.0.0.1:1', retry: { attempts: 1 } }),
    }
    s3.faults.before = () => s3Failure(403, 'SignatureDoesNotMatch')
    for (const [name, storage] of Object.entries(storages)) {
      expectNone(`the name of ${name}`, whole(storage))
      for (const call of [
        () => storage.get('a'),
        () => storage.put('a', Buffer.from('x'), { ifAbsent: true }),
        () => storage.delete(['a']),
        () => collect(storage.list('')),
      ])
        expectNone(`an error of ${name}`, errorText(await failed(call)))
      await storage.close()
    }
    delete s3.faults.before
    const holdfast = await openWith(onS3())
    for (const call of [
      () => holdfast.restores.restore({ snapshot: '01a1fc73-6312-7000-958d-47d147b10751' }),
      () => holdfast.backups.resume('forged'),
      () => openRepository({ storage: onS3() }),
      () => openRepository({ storage: onS3(), encryption: { providers: [passphrase('another one altogether', { cost: 14 })] } }),
      () => openRepository({ storage: onS3(), encryption: { providers: [passphrase(WORDS, { name: 'another', cost: 14 })] } }),
      async () => recipient({ privateKey: `holdfast-x25519-secret:${SAS}` }),
      async () => passphrase(SAS.slice(0, 4)),
    ])
      expectNone('an error', errorText(await failed(call)))
    expect(logged.length).toBeGreaterThan(0)
    for (const line of logged) expectNone('a log', line)
  })

  it('is asked for by a flag, or printed by the command line', async () => {
    const program = createProgram(
      { stdout: process.stdout, stderr: process.stderr },
      async () => {},
      async () => {},
    )
    const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)]
    const flags = all(program).flatMap((command) => [...command.options.map(({ flags: of }) => of), ...command.registeredArguments.map((one) => one.name())])
    expect(flags.length).toBeGreaterThan(30)
    // What names a variable of the environment holds none.
    const named = flags.filter((flag) => !flag.endsWith('-env <name>'))
    for (const flag of named) expect(flag).not.toMatch(/pass|secret|private|credential|password|access-?key|sas\b/i)
    const app = await cliApp()
    try {
      expect((await app.run(['keys', 'generate', join(app.folder, 'key')])).exitCode).toBe(0)
      const secret = /holdfast-key-1:(\S+)/.exec(readFileSync(join(app.folder, 'key'), 'utf8'))![1]!
      const env = { SHOP_KEYS: 'key' }
      const runs = [
        ['backup', 'shop', '--verbose'],
        ['keys', 'list', '--json'],
        ['keys', 'renew', '--verbose'],
        ['list', '--json'],
        ['verify', 'nothing', '--verbose'],
      ]
      for (const args of runs) {
        const { stdout, stderr } = await app.run(args, { env })
        for (const text of [stdout, stderr])
          for (const form of [secret, Buffer.from(secret, 'base64url').toString('hex')]) expect(text, args.join(' ')).not.toContain(form)
      }
    } finally {
      app.remove()
    }
  })
})

/** As a log would have it, and as whoever prints it. */
function errorText(error: unknown): string {
  return `${String(error)}\n${inspect(error, { depth: 6 })}\n${JSON.stringify(error)}`
}
