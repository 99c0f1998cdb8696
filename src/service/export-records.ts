import { type ManifestEntity, readRange } from '../archive/index.ts'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { chosenEntities } from '../compare/index.ts'
import { NOTHING_ERASED, withoutErased } from '../erasure/index.ts'
import { csvNames, csvOf, type ExtractedEntity, ndjsonOf, sqlOf, writeTexts, type WrittenTexts } from '../extract/index.ts'
import { type ByteSink, fileSink, folderSink, streamSink } from '../files/index.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { maskLines } from '../masking/index.ts'
import { hiddenPaths } from '../record/index.ts'
import type { ExportRecordsOptions, RecordsFormat, RecordsReport } from './bundle-service.ts'
import { openSnapshot } from './open-snapshot.ts'
import type { BundleServiceOptions } from './create-bundle-service.ts'
import { recordMasks } from './mask-records.ts'
import { pinSnapshot } from './pin-snapshot.ts'
import { findSnapshot } from './snapshot-finder.ts'

const FORMATS: readonly RecordsFormat[] = ['ndjson', 'csv', 'sql']
const KNOWN = ['format', 'to', 'entities', 'revealSensitive', 'mask', 'plain', 'scope', 'onProgress', 'signal'] satisfies (keyof ExportRecordsOptions)[]

export async function exportRecords(
  snapshotId: string,
  options: ExportRecordsOptions,
  { repositories, stores, schema, plans, masking, logger }: BundleServiceOptions,
): Promise<RecordsReport> {
  assertKnownOptions(options, KNOWN, 'an export of records')
  const { format, to, entities: names, revealSensitive, mask, plain, scope, onProgress, signal } = options
  if (!FORMATS.includes(format))
    throw new HoldfastError('E_CONFIG', `\`format\` is ${JSON.stringify(format)}; expected ${FORMATS.map((one) => `"${one}"`).join(', ')}`)
  for (const [name, value] of Object.entries({ revealSensitive, mask, plain }))
    if (![true, undefined].includes(value)) throw new HoldfastError('E_CONFIG', `\`${name}\` is ${JSON.stringify(value)}; expected true, or nothing`)
  if (mask && revealSensitive) throw new HoldfastError('E_CONFIG', '`mask` and `revealSensitive` contradict each other')
  if (mask && !masking)
    throw new HoldfastError('E_CONFIG', '`mask` is asked for, and no masking is configured', {
      hint: 'createHoldfast({ masking: { key, rules: [maskEntity(…)] } })',
    })
  assertDestination(to)
  const found = await findSnapshot(repositories, snapshotId, { scope, signal })
  const { manifest } = found
  if (found.repository.keys && plain !== true) {
    throw new HoldfastError('E_CONFIG', `the bucket "${found.bucket}" is encrypted, and ${format} is not`, {
      hint: 'Export a bundle, which can be sealed; or say that anybody who gets the file may read it: `plain: true`, `--plain`.',
    })
  }
  const chosen = manifest.entities.filter(chosenEntities([manifest], names))
  const single = names !== undefined && chosen.length === 1
  if (format === 'csv' && typeof to !== 'string' && !single)
    throw new HoldfastError('E_CONFIG', 'the CSV of several entities does not go into one stream', {
      hint: 'Choose one entity (`entities`), or give the path of a folder.',
    })
  assertOneStore(format, chosen)
  const masks = mask ? recordMasks(manifest, chosen, { masking: masking!, stores, plans }) : null

  const release = await pinSnapshot(found.repository.scope(manifest.scope), snapshotId, logger, { signal })
  try {
    const snapshot = openSnapshot(found, { repositories, stores, schema, plans }, { as: 'archived', signal })
    const erased = (await snapshot.erased?.({ signal })) ?? NOTHING_ERASED
    const extracted = chosen.map((entity): ExtractedEntity => {
      const gone = erased.of(entity.descriptor.store, entity.descriptor.name)
      const all = async function* () {
        const chunks = await snapshot.chunks(entity.bucket)
        for (const range of entity.ranges) if (range.rows > 0) yield* readRange(chunks, range, { signal })
      }
      const lines = () => (gone.size > 0 ? withoutErased(entity.descriptor, gone, all()) : all())
      const own = masks?.get(entity)
      const masked = new Map(own?.fields.map(({ field, masker }) => [field.path, masker]))
      return {
        entity,
        hidden: own ? new Set(own.computed) : revealSensitive ? new Set() : hiddenPaths(entity),
        masked,
        lines: own && masked.size > 0 ? () => maskLines(entity.descriptor, own.fields, lines()) : lines,
      }
    })
    const totalRecords = chosen.reduce((sum, { rows }) => sum + rows, 0)
    let records = 0
    const onRecords = (more: number) => {
      records += more
      onProgress?.({ records, totalRecords })
    }
    const sinkFor = (path: string | Writable): Promise<ByteSink> | ByteSink =>
      typeof path === 'string' ? fileSink(path, { signal }) : streamSink(path, { signal })
    const files: RecordsReport['files'][number][] = []
    const written = (path: string | null, entity: string | null, texts: WrittenTexts) => files.push({ path, entity, ...texts })
    const path = typeof to === 'string' ? to : null
    if (format === 'csv' && !single)
      await csvFolder(to as string, extracted, (sink, one) => writeTexts(sink, csvOf(one, { signal }), onRecords), written, signal)
    else if (format === 'csv') written(path, chosen[0]!.descriptor.name, await writeTexts(await sinkFor(to), csvOf(extracted[0]!, { signal }), onRecords))
    else written(path, null, await writeTexts(await sinkFor(to), (format === 'sql' ? sqlOf : ndjsonOf)(extracted, manifest, { signal }), onRecords))
    logger.info({ snapshotId, format, records, files: files.length }, 'records exported')
    return {
      snapshotId,
      format,
      files,
      records,
      hidden: extracted
        .filter(({ hidden }) => hidden.size > 0)
        .map(({ entity: { descriptor }, hidden }) => ({ store: descriptor.store, entity: descriptor.name, fields: [...hidden].toSorted() })),
      masked: extracted.flatMap(({ entity: { descriptor }, masked }) =>
        [...masked].map(([field, masker]) => ({ store: descriptor.store, entity: descriptor.name, field, masker })),
      ),
      erased: erased.counts.filter(({ store, entity }) => chosen.some(({ descriptor }) => descriptor.store === store && descriptor.name === entity)),
    }
  } finally {
    await release()
  }
}

/** @throws `E_CONFIG` */
export function assertDestination(to: string | Writable): void {
  if (typeof to === 'string' ? to !== '' : typeof to?.write === 'function') return
  throw new HoldfastError('E_CONFIG', '`to` is missing', { hint: 'Give the path of a new file, or a stream that takes bytes.' })
}

async function csvFolder(
  path: string,
  entities: readonly ExtractedEntity[],
  write: (sink: ByteSink, entity: ExtractedEntity) => Promise<WrittenTexts>,
  written: (path: string, entity: string, texts: WrittenTexts) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const names = csvNames(entities.map(({ entity }) => entity.descriptor))
  const folder = await folderSink(path, { signal })
  try {
    for (const [at, entity] of entities.entries())
      written(join(path, names[at]!), entity.entity.descriptor.name, await write(await folder.file(names[at]!), entity))
  } catch (error) {
    await folder.abort()
    throw error
  }
}

function assertOneStore(format: RecordsFormat, entities: readonly ManifestEntity[]): void {
  const stores = [...new Set(entities.map(({ descriptor }) => descriptor.store))]
  if (format !== 'sql' || stores.length < 2) return
  throw new HoldfastError('E_CONFIG', `one script is for one database, and the entities are of the stores ${stores.join(', ')}`, {
    hint: 'Choose those of one store: `entities`.',
  })
}
