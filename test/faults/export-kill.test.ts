import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { thisHost } from '../../src/export/index.ts'
import { backupRig, manifestFaults, planOf } from '../support/backup-rig.ts'
import { bankFaults, bankStore, createBank, startTransfers } from '../support/bank.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** How many times a process is killed; `HOLDFAST_KILLS=100` for the long run. */
const KILLS = Number(process.env.HOLDFAST_KILLS ?? 12)
const CHILD = fileURLToPath(new URL('../support/export-child.ts', import.meta.url))

let database: TestDatabase
let bank: ReturnType<typeof bankStore>
const folder = temporaryFolder()

beforeAll(async () => {
  database = await createTestDatabase()
  await createBank((sql) => database.query(sql))
  bank = bankStore(database.url)
})

afterAll(async () => {
  await bank.pool.end()
  await database.drop()
  folder.remove()
})

/** Runs a child and kills it some time after it has its session, unless it is done by then. */
async function runAndKill(
  root: string,
  token: string | null,
  afterMs: number,
): Promise<{ readonly token: string | null; readonly done: boolean; readonly killed: boolean }> {
  const child: ChildProcess = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, database.url, root, ...(token ? [token] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const seen = { token, done: false }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const begun = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const [what, value] = line.split(' ') as [string, string]
      if (what === 'token') seen.token = value
      if (what === 'done') seen.done = true
      resolve()
    })
  })
  await Promise.race([begun, ended])
  await Promise.race([sleep(afterMs), ended])
  const killed = child.exitCode === null && child.kill('SIGKILL')
  await ended
  return { ...seen, killed }
}

it(
  `case 01: kill -9 at any moment, ${KILLS} times, with writers running: a resume always ends in one committed state`,
  async () => {
    const transfers = startTransfers(bank.pool, 2)
    let killed = 0
    let sessions = 0
    let reused = 0
    try {
      // A slow machine may be killed before its first chunk counts, time after time: then on, until a resume had something to take over.
      while (killed < KILLS || reused === 0) {
        const root = `${folder.path}/${++sessions}`
        const rig = backupRig({
          stores: [bank.store],
          plan: planOf([bank.store], { policy: { chunkBytes: 8 * 1024, concurrency: 2 } }),
          storage: fsStorage({ root }),
        })
        let state = await runAndKill(root, null, Math.random() * 700)
        for (let again = 0; state.killed && state.token && again < 3; again++) {
          killed++
          for (const id of await rig.snapshots()) expect(manifestFaults(await rig.manifest(id))).toEqual([])
          state = await runAndKill(root, state.token, Math.random() * 700)
        }
        if (state.killed) killed++
        // A process killed before it could say its token has left no session worth knowing: start anew.
        const session = state.token ? await rig.resume(state.token, undefined, { host: thisHost }) : await rig.start()
        const result = await session.result()
        reused += result.entities.reduce((sum, entity) => sum + entity.reusedChunks, 0)
        const manifest = await rig.manifest(result.snapshotId)
        expect(manifestFaults(manifest)).toEqual([])
        const [account, entry, booked] = await Promise.all(['account', 'entry', 'booked'].map((entity) => rig.lines(manifest, entity)))
        expect(bankFaults({ account: account!, entry: entry!, booked: booked! })).toEqual([])
        expect(await rig.snapshots()).toEqual([result.snapshotId])
      }
    } finally {
      expect(await transfers.stop()).toBeGreaterThan(0)
    }
    expect(killed).toBeGreaterThanOrEqual(KILLS)
    expect(reused).toBeGreaterThan(0)
  },
  60_000 + KILLS * 30_000,
)
