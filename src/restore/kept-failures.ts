import type { ManifestEntity } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { LineSource } from '../contracts/restore-target.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { createLineParser, keyTextOf, splitLines } from '../record/index.ts'
import type { ChosenItem } from './chosen-item.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import type { RestoreDiagnostic, RestoreDiagnostics } from './restore-diagnostics.ts'
import type { RestoreRequest } from './restore-request.ts'
import { filledRanges, snapshotLines } from './snapshot-lines.ts'

/** A record that a restore left out, as its snapshot knows it. */
export interface FailedRecord {
  /** Of the snapshot. */
  readonly store: string
  readonly entity: string
  /** Sensitive values included: never given out. */
  readonly key: KeyText
  /** Place of its diagnostic among the entries. */
  readonly entry: number
}

/** What a replay of the records that a restore left out needs to know. */
export interface KeptFailures {
  /** The restore that left them out first. */
  readonly root: string
  /** What that restore was asked for, but for which rows, by whom, under which name, and what JSON cannot hold. */
  readonly request: RestoreRequest
  readonly records: readonly FailedRecord[]
  /** Entities, as the snapshot has them, of which only these fields are written, or whose rows are all there as parents of others. */
  readonly entities: readonly { readonly store: string; readonly entity: string; readonly fields?: readonly string[]; readonly onlyParents: boolean }[]
}

/** As they stand in the repository. */
export interface StoredDiagnostics extends RestoreDiagnostics {
  readonly kept?: KeptFailures
}

/** How often a record of the snapshot was tried before. */
export type TriedBefore = (store: string, entity: string, key: KeyText) => number

/** Of all that failed: which records of the snapshot they are, found by reading the records of their entities once more. Attempts are counted on. */
export async function withKeys(
  diagnostics: RestoreDiagnostics,
  stores: readonly OpenStore[],
  context: RestoreContext,
  options: AbortableOptions,
): Promise<StoredDiagnostics> {
  const places = new Map(diagnostics.entries.map((entry, at) => [entry, at]))
  const entries = [...diagnostics.entries]
  const records: FailedRecord[] = []
  const entities: KeptFailures['entities'][number][] = []
  for (const { items, failed } of stores) {
    for (const item of items) {
      const lines = failed.linesOf(item.entity)
      if (lines.size === 0) continue
      const { store, name: entity } = originalOf(item, context).descriptor
      const rows = context.selection?.(item.archived.ranges)
      entities.push({ store, entity, ...(rows?.fields ? { fields: rows.fields } : {}), onlyParents: rows?.onlyParents === true })
      const source = await linesOf(item, context)
      for await (const [line, key] of keysOf(source, lines, item, options)) {
        const at = places.get(lines.get(line)!)!
        entries[at] = { ...entries[at]!, attempt: 1 + (context.triedBefore?.(store, entity, key) ?? 0) }
        records.push({ store, entity, key, entry: at })
      }
    }
  }
  const { resolvers: _resolvers, dryRun: _dryRun, entities: _entities, select: _select, related: _related, by: _by, name: _name, ...request } = context.request
  const kept: KeptFailures = { root: context.replays ?? context.id, request: { ...request, snapshot: context.manifest.snapshotId }, records, entities }
  return { ...diagnostics, entries, kept }
}

/** The entity under the name that the snapshot has it by: evolving keeps its ranges. */
function originalOf({ archived }: ChosenItem, { original }: RestoreContext): ManifestEntity {
  return original.entities.find(({ ranges }) => ranges === archived.ranges) ?? archived
}

async function linesOf({ archived, shape }: ChosenItem, { bucket }: RestoreContext): Promise<LineSource> {
  const { chunks } = await bucket(archived.bucket)
  return shape.meant(snapshotLines(filledRanges(archived), chunks, () => {}))
}

async function* keysOf(
  source: LineSource,
  lines: ReadonlyMap<number, RestoreDiagnostic>,
  { archived: { descriptor } }: ChosenItem,
  options: AbortableOptions,
): AsyncGenerator<readonly [line: number, key: KeyText], void, undefined> {
  const paths = descriptor.fields.map(({ path }) => path)
  const parser = createLineParser({ entity: descriptor.name, fields: paths })
  const keyAt = descriptor.key.map((path) => paths.indexOf(path))
  let left = lines.size
  for await (const { bytes, ends, firstLine } of splitLines(source.open(options), options)) {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (const [at, end] of ends.entries()) {
      if (!lines.has(firstLine + at)) continue
      const spans = parser.spans(view, at === 0 ? 0 : ends[at - 1]!, end, firstLine + at)
      yield [firstLine + at, keyTextOf(keyAt.map((place) => view.toString('utf8', spans[place * 2], spans[place * 2 + 1])))]
      if (--left === 0) return
    }
  }
}
