import type { Manifest, ManifestEntity } from '../archive/index.ts'
import type { RestoreTarget } from '../contracts/restore-target.ts'
import { NOTHING_ERASED } from '../erasure/index.ts'
import { entityVersion, evolveManifest, NO_SCHEMA_CHANGES, type SchemaOutcome } from '../evolution/index.ts'
import { throwIfAborted } from '../kernel/abort.ts'
import { type ErrorCode, type HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { uuidv7 } from '../kernel/ids.ts'
import { chosenItem } from './chosen-item.ts'
import { lineShape } from './line-shape.ts'
import { openTargets } from './open-stores.ts'
import type { RestoreDependencies } from './restore-context.ts'
import { selectEntities } from './select-entities.ts'

/** Whether the records of a snapshot could go into today's tables. */
export interface RestorableReport {
  readonly snapshotId: string
  readonly planId: string
  /** ISO time of the state that the snapshot holds. */
  readonly viewAt: string
  readonly restorable: boolean
  /** In what the snapshot differs from today's entities, and what a restore makes of it. */
  readonly schema: readonly SchemaOutcome[]
  /** Why a restore would be refused. Empty when it would not. */
  readonly problems: readonly {
    readonly store: string | null
    readonly entity: string | null
    readonly code: ErrorCode
    readonly message: string
    readonly hint: string
  }[]
  /** Fingerprints of the entities, which `upcast` takes as versions. */
  readonly versions: readonly { readonly store: string; readonly entity: string; readonly version: string }[]
  /** Records that up-casters were tried on. */
  readonly records: number
}

/**
 * Holds a snapshot against today's entities and tables: every entity has its place, every column takes its values, and where an up-caster applies, it makes a record of today of every one of its records. Writes
 * nothing; neither rows nor policies are looked at. A storage or a database that fails throws; what would refuse a restore is a problem.
 */
export async function checkRestorable(dependencies: RestoreDependencies): Promise<RestorableReport> {
  const { schema = NO_SCHEMA_CHANGES, stores, signal = new AbortController().signal, clock, bucket } = dependencies
  const { snapshotId, plan, times } = dependencies.manifest
  const problems: RestorableReport['problems'][number][] = []
  let records = 0
  const note = (error: unknown, store: string | null, entity: string | null) => {
    if (!isHoldfastError(error) || !REFUSALS.includes(error.code)) throw error
    const { code, message, hint }: HoldfastError = error
    problems.push({ store, entity, code, message, hint })
  }

  const { manifest, evolutionOf, removed } = evolveManifest(dependencies.manifest, { stores, changes: schema })
  const outcomes = manifest.entities.flatMap((entity) => evolutionOf(entity).outcomes)
  for (const [store, entities] of byStore(manifest)) {
    const targets: RestoreTarget[] = []
    try {
      const [selection] = selectEntities({ ...manifest, entities }, { snapshot: snapshotId }, stores)
      if (!selection) continue
      await openTargets([selection], { id: uuidv7(clock.now()), signal, evolutionOf, tenant: manifest.tenant ?? null }, (target) => targets.push(target))
      for (const archived of selection.entities) {
        throwIfAborted(signal)
        try {
          const { chunks } = await bucket(archived.bucket)
          const shape = await lineShape(archived, targets[0]!, { bucket, evolutionOf, erased: NOTHING_ERASED, leftOut: [], signal })
          const item = chosenItem({ archived, shape, chunks, policy: 'overwrite', mode: 'direct', onStored: () => {} })
          targets[0]!.assertFits([item])
          if (evolutionOf(archived).upcasters.length === 0) continue
          for await (const lines of item.lines.open({ signal })) if (lines.byteLength === 0) break
          records += archived.rows
        } catch (error) {
          note(error, store, archived.descriptor.name)
        }
      }
    } catch (error) {
      note(error, store, null)
    } finally {
      await Promise.allSettled(targets.map((target) => target.close()))
    }
  }
  const report = { snapshotId, planId: plan.id, viewAt: times.viewAt, restorable: problems.length === 0, schema: [...outcomes, ...removed] }
  return { ...report, problems, versions: versionsOf(dependencies.manifest), records }
}

/** The report of a snapshot that is refused as a whole. */
export function unrestorable(manifest: Manifest, { code, message, hint }: HoldfastError): RestorableReport {
  const { snapshotId, plan, times } = manifest
  const problems = [{ store: null, entity: null, code, message, hint }]
  return { snapshotId, planId: plan.id, viewAt: times.viewAt, restorable: false, schema: [], problems, versions: versionsOf(manifest), records: 0 }
}

function versionsOf({ entities }: Manifest): RestorableReport['versions'] {
  return entities.map(({ descriptor }) => ({ store: descriptor.store, entity: descriptor.name, version: entityVersion(descriptor) }))
}

/** What says that a snapshot does not fit, or is damaged; anything else says that it could not be found out. */
const REFUSALS: readonly ErrorCode[] = [
  'E_SCHEMA_DRIFT',
  'E_ENTITY_UNKNOWN',
  'E_STORE_UNKNOWN',
  'E_DIALECT',
  'E_MAPPING',
  'E_RECORD',
  'E_CAPABILITY',
  'E_SCOPE',
  'E_ARCHIVE_CORRUPT',
  'E_ARCHIVE_MISSING',
]

function byStore({ stores, entities }: Manifest): (readonly [string, readonly ManifestEntity[]])[] {
  return stores.map(({ name }) => [name, entities.filter(({ descriptor }) => descriptor.store === name)] as const).filter(([, own]) => own.length > 0)
}
