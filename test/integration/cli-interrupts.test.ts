import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliApp, cliApp, type CliRun, type RunningCli } from '../support/cli-app.ts'

// Backups that are stopped in the middle: paused by Ctrl-C, ended by a second one, killed; and gone on with.

const SLOW = { env: { SHOP_SLOW_MS: '400' } }

let app: CliApp
beforeAll(async () => {
  app = await cliApp()
})
afterAll(() => app.remove())

/** A slow backup, at the point where it runs. */
async function running(how: '--json' | '--verbose'): Promise<RunningCli> {
  const backup = app.start(['backup', 'shop', '--kind', 'full', how], SLOW)
  await backup.wrote(how === '--json' ? '"phase":"copying"' : 'backup started')
  return backup
}

async function resumed(run: CliRun): Promise<void> {
  expect(run.exitCode).toBe(0)
  const { id } = (await app.run(['list', '--json'])).line('snapshot')
  expect((await app.run(['verify', String(id)])).exitCode).toBe(0)
}

describe('a backup that is stopped', () => {
  it('is paused by Ctrl-C, ends with 130 and prints the command that goes on with it', async () => {
    const backup = await running('--json')
    const busy = await app.run(['resume', '--last'])
    expect(busy.exitCode).toBe(11)
    expect(busy.stderr).toMatch(/^E_SESSION_FENCED: /)

    backup.child.kill('SIGINT')
    const run = await backup.ended
    expect(run.exitCode).toBe(130)
    const summary = run.lines.at(-1)!
    expect(summary).toMatchObject({ type: 'summary', state: 'paused', planId: 'shop', exitCode: 130, resume: `holdfast resume ${String(summary.token)}` })

    const unfinished = await app.run(['list', '--unfinished', '--json'])
    expect(unfinished.line('session')).toMatchObject({ id: summary.sessionId, state: 'paused', token: summary.token })
    expect((await app.run(['list', 'shop', '--unfinished'])).stdout).toContain(`  holdfast resume ${String(summary.token)}`)

    const forged = await app.run(['resume', `${String(summary.token).slice(0, -6)}AAAAAA`])
    expect(forged.exitCode).toBe(12)
    await resumed(await app.run(['resume', '-'], { input: `${String(summary.token)}\n` }))
  })

  it('says so to people, on stderr', async () => {
    const backup = await running('--verbose')
    backup.child.kill('SIGTERM')
    const run = await backup.ended
    expect(run.exitCode).toBe(130)
    expect(run.stdout).toBe('')
    expect(run.stderr).toMatch(/Pausing at the next batch.*\n(.*\n)*Paused\. Go on with it by:\n {2}holdfast resume \S+\n/)
    await resumed(await app.run(['resume', '--last', 'shop']))
  })

  it('ends at once by a second Ctrl-C, and can still be gone on with', async () => {
    const backup = await running('--verbose')
    backup.child.kill('SIGINT')
    await backup.wrote('Pausing')
    backup.child.kill('SIGINT')
    const run = await backup.ended
    expect(run.exitCode).toBe(130)
    expect(run.stderr).toMatch(/(Stopped|Paused)\. Go on with it by:\n {2}holdfast resume \S+\n/)
    await resumed(await app.run(['resume', '--last', 'shop']))
  })

  it('is gone on with after it was killed', async () => {
    const backup = await running('--json')
    backup.child.kill('SIGKILL')
    await backup.ended
    await resumed(await app.run(['resume', '--last', 'shop']))
    expect((await app.run(['resume', '--last', 'shop'])).exitCode).toBe(10)
  })
})
