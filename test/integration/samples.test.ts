import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../architecture/source-files.ts'

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

  it('demo ends with everything back', async () => {
    const output = await sample('demo')
    expect(output).toContain('1150 records created, 120 updated, 22358 found identical and not touched')
    expect(output).toContain('the same as before the accident')
    expect(output).toContain('Everything is back.')
  })
})
