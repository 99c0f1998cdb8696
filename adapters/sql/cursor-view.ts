import { createHash } from 'node:crypto'
import type { ChangeEvidence } from '../../src/contracts/change-evidence.ts'
import type { ConsistentView } from '../../src/contracts/consistent-view.ts'
import type { EntityDescriptor } from '../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../src/contracts/entity-store.ts'
import type { KeyRange, KnownRange, RangeState } from '../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../src/contracts/record-batch.ts'
import { type AbortableOptions, throwIfAborted } from '../../src/kernel/abort.ts'
import { canonicalJson } from '../../src/kernel/canonical-json.ts'

/** What a lane says of the keys and the cursor of the rows in a range. */
export interface CursorDigest {
  /** Without `|`. */
  readonly digest: string
  readonly rows: number
}

/** Digests keys and cursor of a range; `like` is an earlier digest, for those that have a seed. */
export type DigestCursor = (entity: string, field: string, range: KeyRange, like: string | null, options: AbortableOptions) => Promise<CursorDigest>

/** Stands between the exact digest of a range and that of its cursor. */
const SEPARATOR = '|'
const FORMAT = 'c1'

/** The digest of a range as the database gives it, without what a cursor says. */
export function exactDigest(digest: string | undefined): string | undefined {
  return digest?.split(SEPARATOR, 1)[0] || undefined
}

/**
 * A view that goes by the columns that the application declared as cursors: a range whose keys and cursors are what they were is called unchanged. That is a guess about the application, not
 * a proof: whoever writes a row without moving its cursor is not seen. There is no watermark, so clocks and late commits do not matter, and rows that came or went are seen. With `exact` the view
 * answers as if there were no cursors.
 */
export function withCursors(view: ConsistentView, selection: readonly EntitySelection[], digestCursor: DigestCursor): ConsistentView {
  const cursors = new Map(selection.flatMap(({ entity, cursor }) => (cursor === undefined ? [] : [[entity, cursor] as const])))
  if (cursors.size === 0) return view

  async function* check(name: string, known: readonly KnownRange[], options: AbortableOptions & { readonly exact?: boolean } = {}): AsyncGenerator<RangeState> {
    const field = cursors.get(name)
    if (field === undefined || options.exact) return yield* view.check(name, known, options)
    const tag = tagOf(await view.evidence(name, options), field)
    const asked: number[] = []
    for (const [index, { range, rows, digest }] of known.entries()) {
      throwIfAborted(options.signal)
      const before = cursorPart(digest, tag)
      if (before === null) {
        asked.push(index)
        continue
      }
      const now = await digestCursor(name, field, range, before, options)
      const same = now.digest === before && now.rows === rows
      yield {
        index,
        state: same ? 'unchanged' : 'changed',
        rows: now.rows,
        method: 'cursor',
        ...(same ? {} : { reason: now.rows === rows ? 'cursor' : 'rows' }),
      }
    }
    if (asked.length === 0) return
    const others = asked.map((index) => known[index]!)
    for await (const { digest, ...state } of view.check(name, others, options)) {
      // It says nothing of the cursor.
      yield { ...state, index: asked[state.index]!, ...(digest === undefined ? {} : { digest: '' }) }
    }
  }

  // Inherits whatever the view has, what it computes included.
  return Object.assign(Object.create(view) as ConsistentView, {
    async evidence(name: string, options: AbortableOptions & { readonly exact?: boolean } = {}): Promise<ChangeEvidence> {
      const { method, values } = await view.evidence(name, options)
      const cursor = cursors.get(name)
      return cursor === undefined || options.exact ? { method, values } : { method: 'cursor', values: { ...values, cursor } }
    },
    check,
    digester: (name: string) => (cursors.has(name) ? null : (view.digester?.(name) ?? null)),
    async digests(name: string, ranges: readonly KeyRange[], options: AbortableOptions = {}): Promise<readonly string[]> {
      const exact = (await view.digests?.(name, ranges, options)) ?? ranges.map(() => '')
      const field = cursors.get(name)
      if (field === undefined) return exact
      const tag = tagOf(await view.evidence(name, options), field)
      const digests: string[] = []
      for (const [at, range] of ranges.entries())
        digests.push(`${exact[at]}${SEPARATOR}${FORMAT}:${tag}:${(await digestCursor(name, field, range, null, options)).digest}`)
      return digests
    },
  } satisfies Partial<ConsistentView>)
}

/** The entity with no other columns than those of the key and this one. */
export function narrowTo<E extends { readonly descriptor: EntityDescriptor; readonly columns: readonly unknown[] }>(entity: E, path: string): E {
  const { descriptor, columns } = entity
  const kept = descriptor.fields.flatMap((field, at) => (field.path === path || descriptor.key.includes(field.path) ? [at] : []))
  return { ...entity, descriptor: { ...descriptor, fields: kept.map((at) => descriptor.fields[at]!) }, columns: kept.map((at) => columns[at]!) }
}

/** Digests lines that hold keys and cursor, for databases that hash nothing themselves. */
export async function digestLines(batches: AsyncIterable<RecordBatch>): Promise<CursorDigest> {
  const hash = createHash('sha256')
  let rows = 0
  for await (const batch of batches) {
    hash.update(batch.bytes)
    rows += batch.rows
    batch.release?.()
  }
  return { digest: hash.digest('hex'), rows }
}

/** Under another tag lines, columns or the cursor itself are others, and digests cannot be compared. */
function tagOf({ values }: ChangeEvidence, field: string): string {
  const { encoding = '', fields = '', schema = '', columns = '', types = '' } = values
  return createHash('sha256')
    .update(canonicalJson([encoding, fields, schema, columns, types, field]))
    .digest('hex')
    .slice(0, 16)
}

function cursorPart(digest: string | undefined, tag: string): string | null {
  const at = digest?.indexOf(SEPARATOR) ?? -1
  const start = `${FORMAT}:${tag}:`
  const part = at < 0 ? '' : digest!.slice(at + 1)
  return part.startsWith(start) ? part.slice(start.length) : null
}
