import type { ManifestEntity } from '../archive/index.ts'
import type { EntityMeter, PhaseShare, ProgressTracker } from '../progress/index.ts'
import type { StoreSelection } from './select-entities.ts'

export const RESTORE_PHASES: readonly PhaseShare[] = [
  { phase: 'opening', share: 1 },
  { phase: 'validating', share: 10 },
  { phase: 'staging', share: 40 },
  { phase: 'comparing', share: 5 },
  { phase: 'merging', share: 44 },
]

/** How far one entity is in the present phase. */
export interface RecordMeter {
  working(): void
  /** Records gone through so far. Targets count rows; their bytes are those of an average record. */
  reached(rows: number): void
  /** Records found to be as they should, or left as they are. */
  left(rows: number): void
  done(): void
}

/** Progress of one restore. Every call tells the listeners. */
export interface RestoreMeters {
  /** The phase begins, and goes through all records anew. */
  begin(phase: 'validating' | 'staging' | 'comparing' | 'merging'): void
  /** Bytes that came from the storage. */
  stored(bytes: number): void
  /** A meter for the present phase. */
  of(entity: ManifestEntity): RecordMeter
}

export function createRestoreMeters(tracker: ProgressTracker, selections: readonly StoreSelection[], touch: () => void): RestoreMeters {
  const meters = new Map<ManifestEntity, EntityMeter>()
  for (const { store, entities } of selections) {
    for (const entity of entities) {
      const meter = tracker.entity(store.name, entity.descriptor.name)
      meter.estimate(entity.rows, entity.plainBytes)
      meters.set(entity, meter)
    }
  }
  return {
    begin(phase) {
      tracker.enter(phase, { restart: true })
      touch()
    },
    stored(bytes) {
      tracker.stored(bytes)
      touch()
    },
    of: (entity) => recordMeter(meters.get(entity)!, entity, touch),
  }
}

function recordMeter(meter: EntityMeter, { rows, plainBytes }: ManifestEntity, touch: () => void): RecordMeter {
  const bytesOf = (count: number) => (rows === 0 ? 0 : Math.round((count * plainBytes) / rows))
  let seen = 0
  return {
    working() {
      meter.state('working')
      touch()
    },
    reached(total) {
      meter.advance(total - seen, bytesOf(total) - bytesOf(seen))
      seen = total
      touch()
    },
    left: (count) => meter.reuse(count, bytesOf(count)),
    done() {
      meter.state('done')
      touch()
    },
  }
}
