import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliApp, cliApp } from '../support/cli-app.ts'

let app: CliApp
beforeAll(async () => {
  app = await cliApp()
})
afterAll(() => app.remove())

const keyed = (names: string) => ({ env: { SHOP_KEYS: names } })

describe('holdfast keys', () => {
  it('makes a key that a backup is sealed with, lists it, changes it, and says which key is missing', async () => {
    expect((await app.run(['backup', 'shop'], keyed('key'))).exitCode).toBe(16)
    const made = await app.run(['keys', 'generate', join(app.folder, 'key')])
    expect(made).toMatchObject({ exitCode: 0 })
    expect((await app.run(['keys', 'generate', join(app.folder, 'key')])).exitCode).toBe(2)
    expect((await app.run(['backup', 'shop'], keyed('key'))).exitCode).toBe(0)

    const listed = await app.run(['keys', 'list', '--json'], keyed('key'))
    expect(listed.lines.filter(({ type }) => type === 'key')).toMatchObject([
      { purpose: 'repository', epoch: 1, current: true, openedBy: [{ kind: 'key-file' }] },
      { purpose: 'data', epoch: 1, current: true },
    ])
    expect((await app.run(['keys', 'renew'], keyed('key'))).stdout).toMatch(/^What is written from now on is sealed with the key [0-9a-f]{16}/)
    expect((await app.run(['keys', 'list'], keyed('key'))).stdout).toMatch(/data +2 +yes/)

    await app.run(['keys', 'generate', join(app.folder, 'other')])
    expect(await app.run(['keys', 'rewrap'], keyed('key,other'))).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^Wrapped 3 keys anew: opened by key-file [0-9a-f]+, key-file [0-9a-f]+\n$/),
    })
    const dropped = await app.run(['keys', 'rewrap'], keyed('other'))
    expect(dropped.exitCode).toBe(0)
    expect(dropped.stdout).toMatch(/opened by key-file [0-9a-f]+; no longer by key-file [0-9a-f]+\n$/)
    const locked = await app.run(['list'], keyed('key'))
    expect(locked.exitCode).toBe(16)
    expect(locked.stderr).toContain('E_KEY_MISSING')
    expect((await app.run(['list'])).exitCode).toBe(16)
    const [snapshot] = (await app.run(['list', '--json'], keyed('other'))).lines.filter(({ type }) => type === 'snapshot')
    expect((await app.run(['verify', String(snapshot!.id)], keyed('other'))).exitCode).toBe(0)
    const restored = await app.run(['restore', String(snapshot!.id), '--dry-run', '--json'], keyed('other'))
    expect(restored.exitCode).toBe(0)
  })
})
