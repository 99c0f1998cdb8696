import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { ChinookDialect } from '../fixtures/chinook/chinook-names.ts'
import { createLiveDatabase } from '../support/end-to-end/live-database.ts'
import { createLedger, DAMAGE, damageLedger, ledgerHoldfast, type LedgerState, openLedger, WHOLE } from '../support/ledger.ts'
import { mysqlUrl } from '../support/mysql.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** How many times a restore is killed on each database; `HOLDFAST_KILLS=100` for the long run. */
const KILLS = Number(process.env.HOLDFAST_KILLS ?? 8)
const CHILD = fileURLToPath(new URL('../support/restore-child.ts', import.meta.url))

/** Runs a restore in a process of its own and kills it so long after it has begun, unless it is done by then. */
async function restoreAndKill(args: readonly string[], afterMs: number): Promise<{ readonly killed: boolean; readonly seconds: number }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const begun = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  createInterface({ input: child.stdout }).on('line', (line) => (line === 'begun' ? begun : done).resolve())
  await Promise.race([begun.promise, ended])
  const started = performance.now()
  await Promise.race([sleep(afterMs), done.promise, ended])
  const milliseconds = performance.now() - started
  const killed = child.exitCode === null && child.kill('SIGKILL')
  await ended
  return { killed, seconds: milliseconds / 1000 }
}

const DIALECTS: readonly ChinookDialect[] = mysqlUrl() === null ? ['postgres', 'sqlite'] : ['postgres', 'sqlite', 'mysql']

it.each(DIALECTS)(
  `case 38: kill -9 at any moment of a restore, ${KILLS} times on %s, with writers running: all of it is there or nothing`,
  async (dialect) => {
    const database = await createLiveDatabase(dialect)
    const folder = temporaryFolder()
    const ledger = openLedger(dialect, database.location)
    const own = await ledgerHoldfast(dialect, database.location, folder.path)
    let transfers: ReturnType<typeof ledger.startTransfers> | null = null
    try {
      await createLedger(database)
      const truth = await database.image()
      const schema = await database.schema()
      const { snapshotId } = await own.holdfast.backups.run('ledger')
      const args = [dialect, database.location, folder.path, snapshotId]
      await damageLedger(database)
      // An undisturbed restore says how long one takes: kills fall on all of it.
      const { seconds } = await restoreAndKill(args, 60_000)
      expect(await ledger.state()).toEqual({ lost: WHOLE, astray: 0 })

      transfers = ledger.startTransfers()
      const seen = { lost: 0, whole: 0 }
      for (let kills = 0; kills < KILLS;) {
        await damageLedger(database)
        const { killed } = await restoreAndKill(args, Math.random() * seconds * 1200)
        if (killed) kills++
        const state = await settled(ledger.state)
        expect([DAMAGE, WHOLE]).toContainEqual(state.lost)
        expect(state.astray).toBe(0)
        seen[state.lost.accounts === 0 ? 'whole' : 'lost']++
      }
      const moved = await transfers.stop()
      expect(moved).toBeGreaterThan(0)
      if (KILLS >= 8) expect(seen.lost).toBeGreaterThan(0)

      const { entities } = await own.holdfast.restores.restore({ snapshot: snapshotId, policy: 'overwrite' })
      expect(entities.map(({ conflict, extra }) => [conflict, extra])).toEqual([
        [0, 0],
        [0, 0],
      ])
      // Again: nothing is left to be done.
      const again = await own.holdfast.restores.restore({ snapshot: snapshotId, policy: 'overwrite' })
      expect(again.totals).toMatchObject({ create: 0, update: 0, delete: 0 })
      // Triggers were silent for every restore, and on for every transfer.
      const { changes, ...image } = await database.image()
      expect(changes!.no).toHaveLength(dialect === 'mysql' ? 0 : moved * 2)
      expect({ ...image, changes: truth.changes }).toEqual(truth)
      expect(await database.schema()).toEqual(schema)
    } finally {
      await transfers?.stop()
      await ledger.close()
      await own.close()
      await database.drop()
      folder.remove()
    }
  },
  60_000 + KILLS * 30_000,
)

/** The state once a killed process' transaction is over: the server may need a moment to notice. */
async function settled(look: () => Promise<LedgerState>): Promise<LedgerState> {
  let state = await look()
  for (let again = 0; again < 4; again++) {
    await sleep(50)
    const next = await look()
    if (JSON.stringify(next) === JSON.stringify(state)) break
    state = next
  }
  return state
}
