import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliApp, cliApp } from '../support/cli-app.ts'

let app: CliApp
let first: string

beforeAll(async () => {
  app = await cliApp()
  first = String((await app.run(['backup', 'shop', '--json'])).line('summary').snapshotId)
})
afterAll(() => app.remove())

it('erase --rewrite shows what it would do, does it, and says what remains', async () => {
  const dry = await app.run(['erase', 'Customer', '1', '--rewrite', '--dry-run'])
  expect(dry.exitCode).toBe(0)
  expect(dry.stdout).toMatch(new RegExp(`1 of 1 snapshot would be rewritten; nothing was written[^]*${first}[^]*1 Customer[^]*What would remain:`))
  expect(dry.stdout).not.toContain('Erased a record')
  expect(dry.stdout).toContain('Found in 1 of 1 snapshot')
  const nobody = await app.run(['erase', 'Customer', '999'])
  expect(nobody.exitCode).toBe(0)
  expect(nobody.stderr).toMatch(/found in no snapshot: none of 1 holds a record of .*Customer with that key\. .*It is in the ledger all the same\./)
  expect(nobody.stdout).not.toContain('Found in')
  const hold = /[0-9a-f-]{36}/.exec((await app.run(['hold', first, '--reason', 'a dispute'])).stdout)
  expect(hold).not.toBeNull()
  const refused = await app.run(['erase', 'Customer', '1', '--rewrite'])
  expect(refused.exitCode).not.toBe(0)
  expect(refused.stderr).toMatch(/E_SNAPSHOT_HELD[^]*--keep-held/)
  const kept = await app.run(['erase', 'Customer', '1', '--rewrite', '--keep-held'])
  expect(kept.exitCode).toBe(0)
  expect(kept.stderr).toContain(`snapshot ${first} is held`)
  const holds = (await app.run(['holds', '--json'])).lines.filter(({ type }) => type === 'hold')
  for (const { holdId } of holds) await app.run(['release', String(holdId)])
  const done = await app.run(['erase', 'Customer', '1', '--rewrite', '--json'])
  expect(done.line('snapshot')).toMatchObject({ id: first, replacement: expect.stringMatching(/^[0-9a-f-]{36}$/) })
  const replacement = String(done.line('snapshot').replacement)
  expect((await app.run(['show', replacement])).stdout).toMatch(new RegExp(`replaces +${first}, since .*, without erased records`))
  const gone = await app.run(['show', first])
  expect(gone.exitCode).toBe(10)
  expect(gone.stderr).toContain(`Use ${replacement}`)
  expect((await app.run(['erase', 'Customer', '1', '--dry-run'])).exitCode).toBe(2)
})
