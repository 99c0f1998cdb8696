import type { AbortableOptions } from '../kernel/abort.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { corrupt } from './archive-error.ts'
import { getJsonObject, putJsonObject } from './json-object.ts'
import type { Manifest, RangeEntry } from './manifest.ts'
import { checkEntityPage, type PageRef, type StoredEntity, type StoredManifest } from './manifest-schema.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'

/** From this size of JSON on, ranges go to pages, each about as large. */
const PAGE_BYTES = 4 * 1024 * 1024
/** Entities with fewer ranges stay in the manifest. */
const PAGED_FROM_RANGES = 64
/** Rough size of a range as JSON, measured: three hashes, four keys, a dozen numbers. */
const RANGE_BYTES = 700
const MAX_PAGE = 9_999

/** The manifest as it is stored: as it is, or with the ranges of its larger entities in pages, which are written here. */
export async function storeManifestPages(space: ObjectSpace, names: ScopeNames, manifest: Manifest, options: AbortableOptions): Promise<StoredManifest> {
  const ranges = manifest.entities.reduce((sum, entity) => sum + entity.ranges.length, 0)
  if (ranges * RANGE_BYTES < PAGE_BYTES && canonicalJson(manifest).length < PAGE_BYTES) return manifest
  const pages = createPageWriter(space, names, manifest.snapshotId, options)
  const entities: StoredEntity[] = []
  for (const entity of manifest.entities) {
    if (entity.ranges.length < PAGED_FROM_RANGES) {
      entities.push(entity)
      continue
    }
    const { ranges: all, ...rest } = entity
    const written: PageRef[] = []
    for (const part of cutIntoPages(all)) written.push(await pages.write(part))
    entities.push({ ...rest, pages: written })
  }
  return { ...manifest, entities }
}

/** The manifest as the engines see it, its pages read and proved against the hashes in the root. */
export async function loadManifestPages(space: ObjectSpace, names: ScopeNames, stored: StoredManifest, options: AbortableOptions): Promise<Manifest> {
  const entities: Manifest['entities'][number][] = []
  for (const { pages, ranges: inline, ...entity } of stored.entities) {
    if ((pages === undefined) === (inline === undefined))
      throw corrupt(space.label(names.manifest(stored.snapshotId)), `entity ${entity.descriptor.name} has no ranges`)
    const ranges: RangeEntry[] = [...(inline ?? [])]
    for (const page of pages ?? []) ranges.push(...(await readPage(space, names, stored.snapshotId, page, options)))
    entities.push({ ...entity, ranges })
  }
  return { ...stored, entities }
}

function* cutIntoPages(ranges: readonly RangeEntry[]): Generator<RangeEntry[]> {
  let part: RangeEntry[] = []
  let bytes = 0
  for (const range of ranges) {
    part.push(range)
    bytes += RANGE_BYTES + [range.from, range.to, range.firstKey, range.lastKey].reduce((sum, key) => sum + (key?.length ?? 0), 0)
    if (bytes < PAGE_BYTES) continue
    yield part
    part = []
    bytes = 0
  }
  if (part.length > 0) yield part
}

/** Numbers pages on. A number that an attempt before this one used for other ranges is passed over: its page belongs to no snapshot. */
function createPageWriter(
  space: ObjectSpace,
  names: ScopeNames,
  snapshotId: string,
  options: AbortableOptions,
): { write(ranges: readonly RangeEntry[]): Promise<PageRef> } {
  let page = 0
  return {
    async write(ranges) {
      for (;;) {
        page++
        try {
          const { storedBytes, storedSha256 } = await putJsonObject(
            space,
            names.entityPage(snapshotId, page),
            'entity-page',
            { snapshotId, page, ranges },
            options,
          )
          return { page, ranges: ranges.length, storedBytes, storedSha256 }
        } catch (error) {
          if (page >= MAX_PAGE || !(isHoldfastError(error, 'E_STORAGE_EXISTS') || isHoldfastError(error, 'E_ARCHIVE_CORRUPT'))) throw error
        }
      }
    },
  }
}

async function readPage(space: ObjectSpace, names: ScopeNames, snapshotId: string, ref: PageRef, options: AbortableOptions): Promise<readonly RangeEntry[]> {
  const object = names.entityPage(snapshotId, ref.page)
  const value = await getJsonObject(space, object, 'entity-page', { ...options, expect: ref })
  const page = checkEntityPage(value, space.label(object))
  if (page.snapshotId !== snapshotId || page.page !== ref.page || page.ranges.length !== ref.ranges)
    throw corrupt(space.label(object), 'is not the page that the manifest means')
  return page.ranges
}
