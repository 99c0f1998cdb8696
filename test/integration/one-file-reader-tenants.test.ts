import { execFile } from 'node:child_process'
import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { openRepository, readRange } from '../../src/archive/index.ts'
import { generateKeyFile, keyFile } from '../../src/crypto/encryption.ts'
import type { Holdfast } from '../../src/holdfast.ts'
import { TENANTS } from '../fixtures/tenants/tenant-shop.ts'
import { READER } from '../support/archive-reader.ts'
import { openTenantRig, type TenantRig } from '../support/tenant-rig.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const run = promisify(execFile)
const [ACME, LOUD] = TENANTS
const home = temporaryFolder()
const key = join(home.path, 'own.key')
await generateKeyFile(key)
afterAll(() => home.remove())

describe.each([{ encrypted: false }, { encrypted: true }])('the one-file reader, for tenants, encrypted: $encrypted', ({ encrypted }) => {
  const root = join(home.path, String(encrypted))
  const snapshots = new Map<string, string>()
  let rig: TenantRig
  let holdfast: Holdfast
  const encryption = async () => (encrypted ? { encryption: { providers: [await keyFile(key)] } } : {})

  beforeAll(async () => {
    rig = await openTenantRig({ dialect: 'sqlite', orm: 'TypeORM' })
    holdfast = await rig.again({ storage: fsStorage({ root, fsync: false }), ...(await encryption()) })
    for (const scope of [ACME, LOUD]) snapshots.set(scope, (await holdfast.backups.run('shop', { scope })).snapshotId)
  })
  afterAll(async () => {
    await holdfast.close()
    await rig.close()
  })

  async function read(tenant: string | null, ...parameters: string[]): Promise<string> {
    const { PATH } = process.env
    const env = {
      ...(PATH === undefined ? {} : { PATH }),
      ...(encrypted ? { HOLDFAST_KEY_FILE: key } : {}),
      ...(tenant === null ? {} : { HOLDFAST_SCOPE: tenant }),
    }
    return run(process.execPath, [READER, root, ...parameters], { env }).then(
      ({ stdout }) => stdout,
      ({ stderr }: { stderr: string }) => `refused: ${stderr}`,
    )
  }

  it('lists and prints what is of one tenant, byte for byte, and of none without a name', async () => {
    const repository = await openRepository({ storage: fsStorage({ root, fsync: false }), ...(await encryption()) })
    for (const tenant of [ACME, LOUD]) {
      const id = snapshots.get(tenant)!
      expect(
        (await read(tenant))
          .trimEnd()
          .split('\n')
          .map((line) => (JSON.parse(line) as { snapshot: string }).snapshot),
      ).toEqual([id])
      const scope = repository.scopeOf(tenant)
      let rows = 0
      for (const { descriptor, ranges } of (await scope.readManifest(id)).entities) {
        const lines: Uint8Array[] = []
        for (const range of ranges) for await (const part of readRange(scope.chunks, range)) lines.push(part)
        expect(await read(tenant, id, descriptor.name), descriptor.name).toBe(Buffer.concat(lines).toString())
        rows += Buffer.concat(lines).toString().split('\n').length - 1
      }
      expect(rows).toBeGreaterThan(0)
    }
    expect(await read(null)).toBe('')
  })

  it('finds nothing of one tenant for another, nor for one that is not there', async () => {
    expect(await read(LOUD, snapshots.get(ACME)!)).toMatch(/^refused: /)
    expect(await read(null, snapshots.get(ACME)!)).toMatch(/^refused: /)
    for (const nobody of ['nobody', '../', '-']) expect(await read(nobody)).toContain('holds nothing of that tenant')
  })

  it('takes no manifest that was copied from one tenant to another', async () => {
    const repository = await openRepository({ storage: fsStorage({ root, fsync: false }), ...(await encryption()) })
    const folderOf = (tenant: string) => join(root, 's', repository.scopeOf(tenant).id!, 'snapshots')
    const [own] = readdirSync(folderOf(LOUD))
    copyFileSync(join(folderOf(ACME), snapshots.get(ACME)!, 'manifest'), join(folderOf(LOUD), own!, 'manifest'))
    expect(await read(LOUD, own!)).toMatch(/^refused: .*stored elsewhere/)
  })
})
