import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliApp, cliApp } from '../support/cli-app.ts'

let app: CliApp
beforeAll(async () => {
  app = await cliApp()
})
afterAll(() => app.remove())

it('holds every snapshot against the entities of today, for people and for programs', async () => {
  const made = await app.run(['backup', 'shop', '--json'])
  expect(made.exitCode).toBe(0)
  const said = await app.run(['check-restorable', '--versions'])
  expect(said).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^ok {6}[0-9a-f-]{36} {2}shop, .*\n( +\w+ [0-9a-f]{16}\n)+1 snapshot would be restored\n$/s),
  })
  const listed = await app.run(['check-restorable', '--json'])
  expect(listed.lines).toMatchObject([
    { type: 'snapshot', restorable: true, problems: [], schema: [] },
    { snapshots: 1, refused: 0 },
  ])
  expect((await app.run(['check-restorable', '01a1fc73-6312-7000-958d-47d147b10751'])).exitCode).toBe(10)
})
