import { deepEqual, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fsStorage } from '../../../adapters/fs/index.ts'
import { verifySnapshot } from '../../../src/service/verify-snapshot.ts'
import { Prng } from '../../model/prng.ts'
import { backupRig, type BackupRig, manifestFaults, planOf } from '../../support/backup-rig.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { generationFaults, openGenerations } from './generations.ts'

export interface KillsOptions {
  readonly kills: number
  /** Decides when. Where that hits is the machine's doing: a seed does not show a death again, but a run has one. */
  readonly seed: number
  readonly onKill?: (done: number) => void
}

export interface KillsReport {
  readonly kills: number
  /** Snapshots that were proved, each once record by record. */
  readonly snapshots: number
  /** Kills that left a session in the middle of its work. */
  readonly interrupted: number
}

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))
/** Of one repository; then another is begun. */
const KILLS_EACH = 25
const LONGEST_MS = 500

/** Kills a process that backs up, over and over. After each kill every visible snapshot must be whole, and none may be gone that was there before, but for those it deletes. */
export async function runKills({ kills, seed, onKill }: KillsOptions): Promise<KillsReport> {
  const rng = new Prng(seed)
  const temporary = temporaryFolder()
  const report = { kills: 0, snapshots: 0, interrupted: 0 }
  try {
    for (let place = 1; report.kills < kills; place++) {
      const folder = join(temporary.path, String(place))
      mkdirSync(folder)
      const { file, store } = openGenerations(folder)
      const rig = backupRig({
        stores: [store],
        plan: planOf([store], { policy: { chunkBytes: 1500, concurrency: 2 } }),
        storage: fsStorage({ root: join(folder, 'store') }),
      })
      const proved = new Set<string>()
      for (let each = 0; each < KILLS_EACH && report.kills < kills; each++) {
        await killOne(folder, rng.int(0, LONGEST_MS))
        report.kills++
        if (existsSync(join(folder, 'token'))) report.interrupted++
        await look(rig, proved)
        onKill?.(report.kills)
      }
      await (await rig.start(undefined, { kind: 'full' })).result()
      await look(rig, proved)
      for (const id of await rig.snapshots()) {
        const { damages } = await verifySnapshot(await rig.manifest(id), async (bucket) => (await rig.open(bucket)).scope(), 'plain', {})
        deepEqual(damages, [], `verify of ${id} after ${report.kills} kills`)
      }
      report.snapshots += proved.size
      file.app.close()
      rmSync(folder, { recursive: true, force: true })
    }
  } finally {
    temporary.remove()
  }
  return report
}

async function killOne(folder: string, afterMs: number): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, '..', 'compiled') }, // most of a short life would be spent on compiling
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let said = ''
  child.stderr!.on('data', (text) => (said += String(text)))
  const working = new Promise<void>((resolve) => createInterface({ input: child.stdout! }).once('line', () => resolve()))
  await Promise.race([working, ended])
  await Promise.race([sleep(afterMs), ended])
  ok(child.exitCode === null, `the child ended by itself: ${said}`)
  child.kill('SIGKILL')
  await ended
}

async function look(rig: BackupRig, proved: Set<string>): Promise<void> {
  const visible = await rig.snapshots()
  for (const id of visible) {
    const manifest = await rig.manifest(id)
    if (proved.has(id)) {
      const { damages } = await verifySnapshot(manifest, async (bucket) => (await rig.open(bucket)).scope(), 'presence', {})
      deepEqual(damages, [], `verify of ${id}`)
      continue
    }
    deepEqual(manifestFaults(manifest), [], id)
    deepEqual(generationFaults(await rig.lines(manifest, 'generation', 'main'), await rig.lines(manifest, 'thing', 'main')), [], id)
    proved.add(id)
  }
  // It deletes the oldest only, so what it can see is the end of all there ever were.
  const known = [...proved].sort()
  deepEqual(known.slice(known.length - visible.length), visible.toSorted(), 'snapshots that are visible')
  ok(proved.size === 0 || visible.length > 0, 'every snapshot is gone')
}
