import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { LineSource, RowVerdict } from '../contracts/restore-target.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { referenceFacts } from '../plan/entity-reference.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import type { Resolution, RowResolver } from './row-resolver.ts'
import type { RowObserver } from './watch-rows.ts'

const VERDICTS: Readonly<Record<Resolution, RowVerdict['action'] | null>> = { record: 'update', live: 'keep', fail: null }

/** The resolver of an entity of a store. */
export function resolverOf(resolvers: readonly RowResolver[], store: string, entity: string): RowResolver | undefined {
  return resolvers.find((resolver) => isOf(resolver, store, entity))
}

function isOf(resolver: RowResolver, store: string, entity: string): boolean {
  const name = nameOf(resolver)
  return name === entity || name === `${store}.${entity}`
}

function nameOf({ entity }: RowResolver): string {
  return typeof entity === 'string' ? entity : (referenceFacts(entity)?.name ?? 'what is no entity')
}

/** @throws `E_CONFIG` for a resolver that would never be asked: the policy would decide of its rows */
export function assertAsked(resolvers: readonly RowResolver[], chosen: readonly { readonly store: string; readonly entity: string }[]): void {
  for (const resolver of resolvers) {
    const own = chosen.filter(({ store, entity }) => isOf(resolver, store, entity))
    const isAsked = own.some(({ store, entity }) => resolverOf(resolvers, store, entity) === resolver)
    if (isAsked) continue
    const why = own.length > 0 ? 'another decides of its rows' : 'it is not among what comes back'
    throw new HoldfastError('E_CONFIG', `the resolver of "${nameOf(resolver)}" would never be asked: ${why}`, {
      hint: own.length > 0 ? 'Give one for each entity.' : `What comes back: ${chosen.map(({ entity }) => entity).join(', ')}.`,
    })
  }
}

/** Asks the resolvers of the request about rows that differ. Their records are read again, in step with the rows. */
export function resolveRows({ selection, items }: OpenStore, { resolvers, readRecord, signal }: RestoreContext): RowObserver {
  const followed = new Map<string, (line: number) => Promise<Buffer>>()
  return {
    async seen(entity, rows) {
      const resolver = resolverOf(resolvers, selection.store.name, entity.name)
      const item = items.find((each) => each.entity === entity.name)!
      if (!resolver || !readRecord) return []
      const lineAt = followed.get(entity.name) ?? follow(item.lines, { signal })
      followed.set(entity.name, lineAt)
      const [live, record] = [readRecord(entity), readRecord(item.record)]
      const verdicts: RowVerdict[] = []
      for (const { line, action, key, live: row } of rows) {
        if (action !== 'conflict' || row === null) continue
        const said = await resolver.resolve({ key, live: live(Buffer.from(`${row}\n`)), record: record(await lineAt(line)) })
        const verdict = checked(said, entity)
        if (verdict) verdicts.push({ line, action: verdict })
      }
      return verdicts
    },
  }
}

function checked(said: unknown, { name }: EntityDescriptor): RowVerdict['action'] | null {
  if (typeof said === 'string' && Object.hasOwn(VERDICTS, said)) return VERDICTS[said as Resolution]
  throw new HoldfastError(
    'E_CONFIG',
    `the resolver of "${name}" gave ${JSON.stringify(said) ?? String(said)}; expected "record", "live" or "fail"; nothing was written`,
  )
}

/** Lines by their number, asked in ascending order. */
function follow(lines: LineSource, options: AbortableOptions): (line: number) => Promise<Buffer> {
  const pieces = lines.open(options)[Symbol.asyncIterator]()
  let piece: Buffer = Buffer.alloc(0)
  let start = 0
  let at = 0
  return async (line) => {
    for (;;) {
      const end = piece.indexOf(0x0a, start) + 1
      if (end > 0) {
        const found = piece.subarray(start, end)
        start = end
        if (++at === line) return found
        continue
      }
      const { done, value } = await pieces.next()
      if (done) throw new HoldfastError('E_ARCHIVE_CORRUPT', `there is no record ${line}, which was there before`)
      piece = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      start = 0
    }
  }
}
