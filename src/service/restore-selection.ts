import type { Manifest } from '../archive/index.ts'
import { keptKey } from '../compare/kept-key.ts'
import { keptWhere } from '../compare/kept-where.ts'
import { createRecordReader } from '../compare/record-reader.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import { createLineParser } from '../record/index.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { SchemaChanges } from '../evolution/index.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { referenceFacts } from '../plan/entity-reference.ts'
import type { RestoreDependencies, RestoreRequest, RowPick, SnapshotAt } from '../restore/index.ts'
import { selectRows } from '../selection/index.ts'
import { archivedPicks } from './archived-picks.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { entityFinder } from './entity-finder.ts'
import { readListed } from './read-listed.ts'

/** The request as it can be kept and run again: entities by name, values as JSON. */
export function plainRequest(request: RestoreRequest): RestoreRequest {
  return request.select ? { ...request, select: request.select.map(plainPick) } : request
}

function plainPick({ entity, where, keys, fields }: RowPick): RowPick {
  return {
    entity: typeof entity === 'string' ? entity : (referenceFacts(entity)?.name ?? entity),
    ...(where === undefined ? {} : { where: keptWhere(where) }),
    ...(keys === undefined ? {} : { keys: keys.map(keptKey) }),
    ...(fields === undefined ? {} : { fields }),
  }
}

/** The id of the snapshot that is meant. @throws `E_SNAPSHOT_UNKNOWN`, `E_CONFIG` */
export async function snapshotIdOf(repositories: BucketRepositories, wanted: string | SnapshotAt, { scope: tenant, ...options }: ScopeOption): Promise<string> {
  if (typeof wanted !== 'object' || wanted === null) return wanted
  assertKnownOptions(wanted, ['plan', 'series', 'metadata', 'at'], 'a choice of a snapshot')
  const { plan, series, metadata = {}, at } = wanted
  const until = at === undefined ? Number.POSITIVE_INFINITY : at instanceof Date ? at.getTime() : Date.parse(at)
  if (Number.isNaN(until)) throw new HoldfastError('E_CONFIG', `\`at\` is ${JSON.stringify(at)}; expected a Date or ISO text`)
  let best: { readonly id: string; readonly at: number } | null = null
  for await (const { repository } of repositories.all(options)) {
    for await (const { id, manifest } of readListed(repository.scopeOf(tenant), { ...options, tenant })) {
      const viewAt = Date.parse(manifest.times.viewAt)
      if (viewAt > until || (best && viewAt <= best.at)) continue
      if (plan !== undefined && manifest.plan.id !== plan) continue
      if (series !== undefined && manifest.series !== series) continue
      if (Object.entries(metadata).some(([name, value]) => manifest.metadata[name] !== value)) continue
      best = { id, at: viewAt }
    }
  }
  if (best) return best.id
  throw new HoldfastError('E_SNAPSHOT_UNKNOWN', `there is no snapshot of ${JSON.stringify(wanted)}`)
}

/** The manifest with the rows that were picked, and which they are. */
export async function withSelection(
  manifest: Manifest,
  request: RestoreRequest,
  { bucket, stores, schema }: Pick<RestoreDependencies, 'bucket' | 'stores'> & { readonly schema: SchemaChanges },
  options: AbortableOptions,
): Promise<Pick<RestoreDependencies, 'manifest' | 'selection'>> {
  if (request.select === undefined) return { manifest }
  return selectRows({
    manifest,
    chunks: async (name) => (await bucket(name)).chunks,
    find: (reference) => entityFinder(reference, stores)(manifest),
    ...archivedPicks(manifest, request, { stores, schema }),
    ...options,
  })
}

/** Objects of lines, as a snapshot's reader gives them. */
export function readRecord(descriptor: EntityDescriptor): (line: Buffer) => Readonly<Record<string, unknown>> {
  const reader = createRecordReader(descriptor, undefined, [])
  const parser = createLineParser({ entity: descriptor.name, fields: descriptor.fields.map(({ path }) => path) })
  return (line) => reader(line, parser.spans(line, 0, line.byteLength, 1))!
}
