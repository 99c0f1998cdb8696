import { copyFileSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliApp, cliApp } from '../support/cli-app.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const keyed = { env: { SHOP_KEYS: 'key' } }

describe('holdfast bundle', () => {
  const outside = temporaryFolder()
  let app: CliApp
  let other: CliApp
  let snapshot: string
  let publicKey: string

  beforeAll(async () => {
    app = await cliApp()
    other = await cliApp()
    await app.run(['keys', 'generate', join(app.folder, 'key')])
    snapshot = String((await app.run(['backup', 'shop', '--json'], keyed)).line('summary').snapshotId)
    publicKey = (await app.run(['keys', 'recipient', join(outside.path, 'mine')])).stdout.trim()
  })
  afterAll(() => {
    app.remove()
    other.remove()
    outside.remove()
  })

  it('makes the keys of a recipient, once', async () => {
    expect(publicKey).toMatch(/^holdfast-x25519:[A-Za-z0-9_-]{43}$/)
    expect(statSync(join(outside.path, 'mine')).mode & 0o077).toBe(0)
    expect((await app.run(['keys', 'recipient', join(outside.path, 'mine')])).exitCode).toBe(2)
  })

  it('takes a snapshot to somebody else, who restores it', async () => {
    // Files are meant from where the command was typed, wherever the configuration lies.
    const exported = await app.run(
      ['bundle', 'export', snapshot, 'shop.hfb', '--recipient', publicKey, '--json', '--config', join(app.folder, 'holdfast.config.mjs')],
      {
        ...keyed,
        cwd: outside.path,
      },
    )
    expect(exported.exitCode).toBe(0)
    expect(exported.line('summary')).toMatchObject({
      command: 'bundle export',
      snapshotId: snapshot,
      openedBy: [{ kind: 'x25519' }],
      file: join(outside.path, 'shop.hfb'),
    })
    const again = await app.run(['bundle', 'export', snapshot, join(outside.path, 'shop.hfb')], keyed)
    expect(again).toMatchObject({ exitCode: 1 })
    expect(again.stderr).toContain('E_STORAGE_EXISTS')

    // Without any configuration.
    const seen = await other.run(['bundle', 'inspect', 'shop.hfb'], { cwd: outside.path })
    expect(seen).toMatchObject({ exitCode: 0 })
    expect(seen.stdout).toContain('sealed for x25519')
    expect(seen.stdout).not.toContain('Order')
    const opened = await other.run(['bundle', 'inspect', 'shop.hfb', '--identity', 'mine', '--verify', '--json'], { cwd: outside.path })
    expect(opened.line('bundle')).toMatchObject({ id: snapshot, planId: 'shop', scope: null })
    expect(opened.line('summary')).toMatchObject({ verified: true })
    expect(opened.lines.filter(({ type }) => type === 'entity').map(({ entity }) => entity)).toContain('Order')

    copyFileSync(join(outside.path, 'shop.hfb'), join(other.folder, 'got.hfb'))
    const locked = await other.run(['bundle', 'import', 'got.hfb'])
    expect(locked).toMatchObject({ exitCode: 16 })
    expect(locked.stderr).toContain('--identity')
    const identity = ['--identity', join(outside.path, 'mine')]
    const plain = await other.run(['bundle', 'import', 'got.hfb', ...identity])
    expect(plain).toMatchObject({ exitCode: 2 })
    expect(plain.stderr).toContain('--plain')
    const imported = await other.run(['bundle', 'import', 'got.hfb', ...identity, '--plain'])
    expect(imported).toMatchObject({ exitCode: 0 })
    expect(imported.stdout).toContain(`Snapshot ${snapshot} of plan shop`)
    expect((await other.run(['bundle', 'import', 'got.hfb', ...identity, '--plain'])).stdout).toContain('was there already')
    expect((await other.run(['verify', snapshot])).exitCode).toBe(0)
    other.sql('DELETE FROM order_line')
    const restored = await other.run(['restore', snapshot, '--yes', '--json'])
    expect(restored.exitCode).toBe(0)
    expect((restored.line('summary').totals as { create: number }).create).toBeGreaterThan(0)
  })

  it('takes no secret from the command line, and a passphrase from the environment', async () => {
    const env = { SHOP_KEYS: 'key', BUNDLE_WORDS: 'correct horse battery staple' }
    expect((await app.run(['bundle', 'export', snapshot, 'x', '--recipient', 'holdfast-x25519-secret:abc'], keyed)).exitCode).toBe(2)
    expect((await app.run(['bundle', 'export', snapshot, 'x', '--passphrase-env', 'NOT_SET'], keyed)).exitCode).toBe(2)
    expect((await app.run(['bundle', 'export', snapshot, 'words.hfb', '--passphrase-env', 'BUNDLE_WORDS'], { env })).exitCode).toBe(0)
    const wrong = await app.run(['bundle', 'inspect', 'words.hfb', '--passphrase-env', 'BUNDLE_WORDS'], { env: { BUNDLE_WORDS: 'another one altogether' } })
    expect(wrong).toMatchObject({ exitCode: 16 })
    expect(wrong.stderr).toContain('E_KEY_WRONG')
    expect((await app.run(['bundle', 'inspect', 'nothing.hfb'])).exitCode).toBe(10)
    expect((await app.run(['bundle', 'inspect', 'holdfast.config.mjs'])).exitCode).toBe(13)
  })

  it('writes text for other programs, and takes NDJSON in again', async () => {
    const csv = await app.run(['bundle', 'export', 'latest', 'orders.csv', '--format', 'csv', '--entity', 'Order', '--plain', '--json'], keyed)
    expect(csv.line('summary')).toMatchObject({ format: 'csv', records: 2000, files: [{ path: join(app.folder, 'orders.csv'), entity: 'Order' }] })
    expect(readFileSync(join(app.folder, 'orders.csv'), 'utf8')).toMatch(/^id,status,cents,customer\.id\r\n1,/)
    expect((await app.run(['bundle', 'export', snapshot, 'orders.sql', '--format', 'sql'], keyed)).exitCode).toBe(2)
    expect((await app.run(['bundle', 'export', snapshot, 'x', '--format', 'csv', '--recipient', publicKey], keyed)).exitCode).toBe(2)
    expect((await app.run(['bundle', 'export', snapshot, 'x', '--entity', 'Order'], keyed)).exitCode).toBe(2)
    const sealed = await app.run(['bundle', 'export', snapshot, 'x', '--mask'], keyed)
    expect(sealed).toMatchObject({ exitCode: 2 })
    expect(sealed.stderr).toContain('E_USAGE: a bundle is a snapshot as it was')
    const unmasked = await app.run(['bundle', 'export', snapshot, 'x', '--format', 'ndjson', '--mask', '--plain'], keyed)
    expect(unmasked).toMatchObject({ exitCode: 2 })
    expect(unmasked.stderr).toContain('no masking is configured')
    const ndjson = join(outside.path, 'shop.ndjson')
    expect((await app.run(['bundle', 'export', snapshot, ndjson, '--format', 'ndjson', '--plain'], keyed)).exitCode).toBe(0)
    const third = await cliApp()
    try {
      expect((await third.run(['bundle', 'import', ndjson, '--format', 'ndjson', '--plain'])).exitCode).toBe(2)
      expect((await third.run(['bundle', 'import', ndjson, '--format', 'ndjson'])).stdout).toContain(`Snapshot ${snapshot}`)
      expect((await third.run(['verify', snapshot])).exitCode).toBe(0)
    } finally {
      third.remove()
    }
  })
})
