import type { ObjectStat, StorageAdapter } from '../contracts/storage-adapter.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { requireCapabilities } from '../contracts/capability-requirement.ts'
import { compareListings, copyInOrder, holdsSame } from './copy-objects.ts'

export interface MigrateOptions extends AbortableOptions {
  readonly from: StorageAdapter
  readonly to: StorageAdapter
  /** Only what lies below it, under the same names: empty, or ending with a slash. Default empty: everything. */
  readonly prefix?: string
  /**
   * What is proved besides its size: `copied` reads back each object that this call copies; `all` also reads, on both sides, what was there already. Default `copied`.
   */
  readonly check?: 'copied' | 'all'
  /** Called after each object. */
  readonly onProgress?: (progress: MigrateProgress) => void
}

export interface MigrateProgress {
  /** Objects copied by this call, and their bytes. */
  readonly copied: number
  readonly copiedBytes: number
  /** Objects that were there already. */
  readonly present: number
}

export interface MigrateReport extends MigrateProgress {
  /** Objects that only the target has; they stay. */
  readonly extra: number
}

/**
 * Copies everything from one storage to another, create-only, each object read back and compared by hash. Manifests come last, so that a snapshot is visible there when
 * all it needs is. What is killed or aborted goes on where it was: call it again. Nothing is changed in the source; nothing is replaced or deleted in the target.
 *
 * Migrate while no backup and no prune runs, or call it again afterwards. The copies are dated by the target's clock: grace periods and the lives of sessions begin anew.
 *
 * @throws `E_STORAGE_EXISTS` when the target holds something else under a name; `E_CAPABILITY`, `E_ABORTED`, and what the storages throw.
 */
export async function migrateStorage(options: MigrateOptions): Promise<MigrateReport> {
  assertKnownOptions(options, ['from', 'to', 'prefix', 'check', 'onProgress', 'signal'], 'migrateStorage')
  const { from, to, prefix = '', check = 'copied', onProgress, signal } = options
  if (check !== 'copied' && check !== 'all')
    throw new HoldfastError('E_CONFIG', `migrateStorage: \`check\` is ${JSON.stringify(check)}; \`copied\` or \`all\` is expected`)
  if (prefix !== '' && !prefix.endsWith('/')) throw new HoldfastError('E_CONFIG', `migrateStorage: \`prefix\` ${JSON.stringify(prefix)} must end with a slash`)
  requireCapabilities(to, 'a migration', ['conditionalPut', 'strongList'])
  requireCapabilities(from, 'a migration', ['strongList'])
  throwIfAborted(signal)
  const progress = { copied: 0, copiedBytes: 0, present: 0 }
  let extra = 0

  async function* missing(): AsyncGenerator<ObjectStat> {
    for await (const difference of compareListings(from, to, prefix, { signal })) {
      if (difference.kind === 'extra') {
        extra++
        continue
      }
      const { kind, source } = difference
      if (kind === 'missing') {
        yield source
        continue
      }
      if (kind === 'differs' || (check === 'all' && !(await holdsSame(from, to, source.key, { signal }))))
        throw new HoldfastError('E_STORAGE_EXISTS', `${to.name} holds another ${source.key} than ${from.name}`, {
          hint: 'Migrate to a location of its own, or remove what is damaged there.',
          details: { key: source.key },
        })
      progress.present++
      onProgress?.({ ...progress })
    }
  }
  await copyInOrder(from, to, missing(), { signal }, (_, bytes) => {
    progress.copied++
    progress.copiedBytes += bytes
    onProgress?.({ ...progress })
  })
  return { ...progress, extra }
}
