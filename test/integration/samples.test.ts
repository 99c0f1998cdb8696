import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../architecture/source-files.ts'
import { until } from '../support/fastify-rig.ts'

const run = promisify(execFile)

// What a reader of the README copies must run as it stands, against the package as it is published.
describe('the samples', () => {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-samples-'))
  beforeAll(() => run(process.execPath, ['scripts/build-samples.mjs'], { cwd: ROOT }))
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  const sample = async (name: string) => (await run(process.execPath, [join(ROOT, `.build/samples/${name}/main.js`)], { cwd: home })).stdout

  it('quick-start brings the deleted orders back', async () => {
    const output = await sample('quick-start')
    expect(output).toContain('100 % · 21 records')
    expect(output).toContain('10 orders would come back, 0 would change')
    expect(output).toContain('10 orders are back, 10 were not touched')
  })

  it('mikro-orm pauses, resumes and restores', async () => {
    const output = await sample('mikro-orm')
    expect(output).toContain('4 records of 4 entities')
    expect(output).toContain('2 records are back, 2 were still there')
  })

  it('cli backs up and shows what would come back, by its configuration', async () => {
    const env = { ...process.env, SHOP_DATABASE: join(home, 'cli.sqlite'), SHOP_BACKUPS: join(home, 'cli-backups') }
    await run(process.execPath, [join(ROOT, '.build/samples/cli/seed.js')], { env })
    const holdfast = async (...args: string[]) =>
      (await run(process.execPath, [join(ROOT, 'dist/src/cli/bin.js'), ...args], { env, cwd: join(ROOT, '.build/samples/cli') })).stdout
    const snapshot = /^Snapshot (\S+)/.exec(await holdfast('backup', 'shop', '--meta', 'release=2.4.1'))?.[1]
    expect(await holdfast('restore', snapshot!, '--dry-run')).toMatch(/Order +20 +0 +0 +20/)
  })

  it('fastify-plugin serves, backs up, and ends in good order when it is told to', async () => {
    const token = 'a-secret-of-the-samples-test'
    const env = { ...process.env, HOLDFAST_TOKEN: token, PORT: '0', SHOP_HOME: join(home, 'fastify') }
    const server = spawn(process.execPath, [join(ROOT, '.build/samples/fastify-plugin/main.js')], { env, cwd: home, stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(server, 'exit')
    try {
      const base = await listening(server.stdout)
      const ask = async (path: string, body?: unknown) => {
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
        const response = await fetch(base + path, body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) })
        return { status: response.status, body: (await response.json()) as Record<string, never> }
      }
      expect((await fetch(`${base}/plans`)).status).toBe(401)
      expect(await ask('/plans')).toMatchObject({ status: 200, body: { plans: [{ id: 'shop' }] } })
      expect((await ask('/openapi.json')).body).toHaveProperty('paths./backups')
      const started = await ask('/backups', { plan: 'shop' })
      expect(started.status).toBe(202)
      await until('the backup is done', async () => (await ask(`/backups/${String(started.body.id)}`)).body.state === 'done')
      expect((await ask('/health')).body).toMatchObject({ healthy: true })
      const look = await ask('/restores', { snapshot: started.body.id, dryRun: true })
      await until('the dry run is done', async () => (await ask(`/restores/${String(look.body.id)}`)).body.state === 'done')
      server.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
    } finally {
      server.kill('SIGKILL')
    }
  })

  it('demo ends with everything back', async () => {
    const output = await sample('demo')
    expect(output).toContain('1150 records created, 120 updated, 22358 found identical and not touched')
    expect(output).toContain('the same as before the accident')
    expect(output).toContain('Everything is back.')
  })
})

/** Where a server says in its log that it listens. */
async function listening(log: Readable): Promise<string> {
  for await (const line of createInterface({ input: log })) {
    const address = /Server listening at (http:[^"]+)"/.exec(line)?.[1]
    if (address === undefined) continue
    log.resume()
    return address
  }
  throw new Error('the server ended before it listened')
}
