import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoryDialect } from '../fixtures/stories/story-tables.ts'
import { openStory, type Story } from '../support/story.ts'

const CHILD = fileURLToPath(new URL('../support/apply-child.ts', import.meta.url))

/** What a restore has left beside the live tables. */
async function leftOvers(dialect: StoryDialect, story: Story): Promise<readonly string[]> {
  if (dialect === 'sqlite')
    return readdirSync(dirname(story.location)).filter((name) => name.startsWith(`${basename(story.location)}.holdfast-`) && name.endsWith('.stage'))
  const sql =
    dialect === 'postgres'
      ? "SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace('holdfast_staging') AND relkind = 'r'"
      : "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'holdfast|_%' ESCAPE '|'"
  return (await story.rows(sql)).map(({ name }) => String(name))
}

async function killAt(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, ['--no-warnings', CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const there = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
  const said = await Promise.race([there, ended.then(() => 'nothing')])
  child.kill('SIGKILL')
  await ended
  expect(said).toBe('there')
}

describe.each(['postgres', 'mysql', 'sqlite'] as const)('kill -9 while a plan is applied to %s', (dialect) => {
  let story: Story
  beforeAll(async () => {
    story = await openStory({ dialect, orm: 'TypeORM' })
  })
  afterAll(() => story?.close())

  it.each(['staging', 'judged', 'written'])(
    'when it is %s: the target is as it was, what it left is swept, and the plan is still good',
    async (moment) => {
      const whole = await story.image()
      await story.run(
        "DELETE FROM order_line WHERE id <= 50; UPDATE orders SET price = 1 WHERE id <= 10; INSERT INTO customer (id, name) VALUES (700, 'extra')",
      )
      const broken = await story.image()
      const plan = await story.holdfast.restores.plan({ snapshot: story.snapshot, policy: 'overwrite', deleteExtra: true })
      await killAt([dialect, story.location, story.root, plan.planId, moment])
      expect(await story.image()).toEqual(broken)
      expect(await leftOvers(dialect, story)).not.toEqual([])
      const applied = await story.holdfast.restores.apply(plan)
      expect(applied.totals).toMatchObject({ create: 50, update: 10, delete: 1 })
      expect(await story.image()).toEqual(whole)
      // The server may need a moment to notice that nobody is there any more; until then the area counts as lived in.
      for (let again = 0; again < 100 && (await leftOvers(dialect, story)).length > 0; again++) {
        await sleep(100)
        await story.holdfast.restores.restore({ snapshot: story.snapshot, entities: ['Tag'], dryRun: true })
      }
      expect(await leftOvers(dialect, story)).toEqual([])
      await story.holdfast.restores.undo(applied.restoreId)
      expect(await story.image()).toEqual(broken)
      await story.holdfast.restores.restore({ snapshot: story.snapshot, policy: 'overwrite', deleteExtra: true })
      expect(await story.image()).toEqual(whole)
    },
    300_000,
  )
})
