import { isProven, type Manifest } from '../archive/index.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import { KeyImage } from '../reconcile/index.ts'
import { storedRange, type StoredRange } from './stored-range.ts'

/** What an earlier snapshot knows of one entity, and under which schema and order of keys. */
export interface BaseImage {
  readonly schema: string
  readonly image: KeyImage<StoredRange>
}

/** A fresh image each time it is asked: images are filled in by whoever works with them. Undefined when nothing is known. */
export type BaseImages = (store: string, entity: string) => BaseImage | undefined

/** The ranges of a snapshot as a later run may find them again. Of those that were rewritten the bounds alone are known. What the plan stores elsewhere by now is not known: chunks are not copied between buckets. */
export function baseImages(base: Manifest | null, plan: ResolvedPlan): BaseImages {
  return (store, name) => {
    const entity = base?.entities.find(({ descriptor }) => descriptor.store === store && descriptor.name === name)
    const bucket = plan.entities.find((resolved) => resolved.store === store && resolved.entity === name)?.bucket
    if (!entity?.change.schema || entity.bucket !== bucket) return undefined
    const known = entity.ranges.map(({ evidence, ...entry }) => storedRange(entry, entity.change.evidence[evidence]!, false))
    const image = KeyImage.of(known)
    image.retain(isProven)
    return { schema: entity.change.schema, image }
  }
}
