import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { awsKms } from '../../adapters/aws-kms/index.ts'
import { fsStorage } from '../../adapters/fs/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { READER } from '../support/archive-reader.ts'
import { backupRig, planOf } from '../support/backup-rig.ts'
import { startKmsStandIn } from '../support/kms-stand-in.ts'
import { orderRow, shopStore } from '../support/shop-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const run = promisify(execFile)
const home = temporaryFolder()
const standIn = await startKmsStandIn()
afterAll(async () => {
  await standIn.stop()
  home.remove()
})

const credentials = { accessKeyId: 'any', secretAccessKey: 'a-secret-of-the-test' }
const provider = (keyId: string) => awsKms({ keyId, endpoint: standIn.endpoint, credentials, region: 'eu-central-1' })

/** The SDK takes all that it needs from where it always does. */
const read = (env: Readonly<Record<string, string>>, ...parameters: string[]) =>
  run(process.execPath, [READER, ...parameters], {
    maxBuffer: 2 ** 28,
    env: {
      PATH: process.env.PATH ?? '',
      AWS_ENDPOINT_URL: standIn.endpoint,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...env,
    },
  }).then(
    ({ stdout }) => stdout,
    (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`,
  )

describe('the one-file reader, over a repository that only AWS KMS opens (a stand-in)', () => {
  it('asks the service, for each bucket and epoch, and says what it cannot', async () => {
    const keyId = standIn.makeKey()
    const store = shopStore(60)
    const storage = fsStorage({ root: home.path, fsync: false })
    const providers = [provider(keyId)]
    const rig = backupRig({ stores: [store], plan: planOf([store], { buckets: { OrderLine: 'lines' } }), storage, encryption: { providers } })
    const before = (await (await rig.start(storage, { kind: 'full' })).result()).snapshotId
    const lines = store.lines('Order')
    await (await openRepository({ storage, prefix: 'main/', encryption: { providers } })).scope().keys!.renew()
    store.put('Order', orderRow(7, 'changed'))
    const after = (await (await rig.start(storage, { kind: 'full' })).result()).snapshotId

    const [folder, other] = [join(home.path, 'main'), join(home.path, 'lines')]
    const env = { HOLDFAST_KMS_KEY: keyId }
    expect((await read(env, folder)).trimEnd().split('\n')).toHaveLength(2)
    expect(await read(env, folder, before, 'Order')).toBe(lines)
    expect(await read(env, folder, after, 'Order')).toBe(store.lines('Order'))
    expect(await read(env, folder, after, 'OrderLine', other)).toBe(store.lines('OrderLine'))

    expect(await read({}, folder)).toContain(`1 no key was given that opens keys/0001.0001: it is wrapped for aws-kms ${keyId}`)
    expect(await read({ HOLDFAST_KMS_KEY: standIn.makeKey() }, folder)).toContain('1 no key was given that opens keys/0001.0001')
    standIn.keys.get(keyId)!.enabled = false
    expect(await read(env, folder)).toMatch(/^1 AWS KMS did not open keys\/0001\.0001: DisabledException/)
  })
})
