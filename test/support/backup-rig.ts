import { type ChunkRef, type EncryptionOptions, type Manifest, openRepository, readRange, type Repository } from '../../src/archive/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { EntityStore, StorageAdapter } from '../../src/contracts/index.ts'
import { type BackupSession, type Host, resumeBackup, type ResumeBackupOptions, startBackup, type StartBackupOptions } from '../../src/export/index.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { type BackupPolicy, DEFAULT_POLICY } from '../../src/plan/backup-policy.ts'
import type { ResolvedPlan } from '../../src/plan/resolved-plan.ts'
import type { InMemoryStore } from './in-memory-store.ts'

/** A plan over the given entities, as the planner would resolve it. */
export function planOf(
  stores: readonly EntityStore[],
  options: { policy?: Partial<BackupPolicy>; digest?: string; buckets?: Readonly<Record<string, string>> } = {},
): ResolvedPlan {
  return {
    id: 'shop',
    description: 'A plan of the tests',
    bucket: 'main',
    entities: stores.flatMap((store) =>
      store.mapping.entities.map((entity) => ({
        store: store.name,
        entity: entity.name,
        bucket: options.buckets?.[entity.name] ?? 'main',
        ignore: [],
        sensitive: [],
        tenant: null,
      })),
    ),
    policy: { ...DEFAULT_POLICY, ...options.policy },
    digest: options.digest ?? 'a'.repeat(64),
  }
}

/** A process that is dead as soon as anybody looks; or one that is alive. */
export function hostOf(pid: number, alive = false): Host {
  return { name: 'test-host', pid, alive: () => alive }
}

export interface BackupRigOptions {
  readonly stores: readonly EntityStore[]
  readonly plan?: ResolvedPlan
  /** What the repositories lie on. Default a memory storage for each bucket. */
  readonly storage?: StorageAdapter
  readonly encryption?: EncryptionOptions
}

/** Stores, plan and repositories, with the engine's calls bound to them. Every call may bring its own storage in front of the base: a process of its own. */
export function backupRig({ stores, plan = planOf(stores), storage = memoryStorage(), encryption }: BackupRigOptions) {
  let pids = 100
  const open = (over: StorageAdapter, bucket: string): Promise<Repository> => openRepository({ storage: over, prefix: `${bucket}/`, create: true, encryption })
  const environment = (over: StorageAdapter) => ({ stores, repositoryOf: (bucket: string) => open(over, bucket), host: hostOf(++pids) })
  return {
    plan,
    storage,
    open: (bucket = 'main') => open(storage, bucket),
    start: (over: StorageAdapter = storage, options: Partial<StartBackupOptions> = {}): Promise<BackupSession> =>
      startBackup({ ...environment(over), plan, trigger: 'manual', metadata: {}, ...options }),
    resume: (token: string, over: StorageAdapter = storage, options: Partial<ResumeBackupOptions> = {}): Promise<BackupSession> =>
      resumeBackup(token, { ...environment(over), planOf: () => plan, ...options }),
    snapshots: async (): Promise<string[]> => {
      const found: string[] = []
      for await (const { id } of (await open(storage, 'main')).scope().listSnapshots()) found.push(id)
      return found
    },
    manifest: async (id: string): Promise<Manifest> => (await open(storage, 'main')).scope().readManifest(id),
    /** The lines of one entity as the snapshot holds them, read back range by range, every layer verified. */
    lines: async (manifest: Manifest, entity: string, store = 'default'): Promise<string> => {
      const found = manifest.entities.find(({ descriptor }) => descriptor.name === entity && descriptor.store === store)!
      const chunks = (await open(storage, found.bucket)).scope().chunks
      const parts: Uint8Array[] = []
      for (const range of found.ranges) for await (const part of readRange(chunks, range)) parts.push(part)
      return Buffer.concat(parts).toString('utf8')
    },
  }
}

export type BackupRig = ReturnType<typeof backupRig>

/** Ranges sorted and joined from the first key to the last, and sums that agree with their parts. */
export function manifestFaults(manifest: Manifest): string[] {
  const faults: string[] = []
  for (const { descriptor, ranges, rows, plainBytes, storedBytes, change } of manifest.entities) {
    let at: string | null = null
    for (const [index, range] of ranges.entries()) {
      if (range.from !== at) faults.push(`${descriptor.name}: range ${index} begins at ${range.from}, not ${at}`)
      if ((range.to === null) !== (index === ranges.length - 1)) faults.push(`${descriptor.name}: range ${index} ends at ${range.to}`)
      if (range.layers.length < 2 && range.rows !== total(range.layers, (layer) => layer.rows)) faults.push(`${descriptor.name}: rows of range ${index}`)
      if (!change.evidence[range.evidence]) faults.push(`${descriptor.name}: range ${index} has no evidence`)
      at = range.to
    }
    const layers = ranges.flatMap((range) => range.layers)
    if (rows !== total(ranges, (range) => range.rows)) faults.push(`${descriptor.name}: rows`)
    if (plainBytes !== total(layers, (layer: ChunkRef) => layer.plainBytes)) faults.push(`${descriptor.name}: plain bytes`)
    if (storedBytes !== total(layers, (layer: ChunkRef) => layer.storedBytes)) faults.push(`${descriptor.name}: stored bytes`)
  }
  return faults
}

function total<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0)
}

/** The code that the promise rejects with; `none` when it resolves. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'none'
  } catch (error) {
    if (isHoldfastError(error)) return error.code
    throw error
  }
}

/** Pauses a session at its n-th batch, with chunks behind it and rows before it. */
export async function pausedAt(batches: number, store: InMemoryStore, started: Promise<BackupSession>): Promise<string> {
  let seen = 0
  store.step = ({ call }) => {
    if (call === 'read' && ++seen === batches) void started.then((session) => session.pause())
  }
  const session = await started
  const code = await codeOf(session.result())
  if (code !== 'E_SESSION_PAUSED' || session.state !== 'paused') throw new Error(`the session ended as ${session.state} (${code})`)
  store.step = () => {}
  return await session.pause()
}
