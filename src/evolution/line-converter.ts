import type { EntityDescriptor, FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { createLineParser, type ExactJson, keyTextOf, parseExactJson, parseKeyText, ValueError, type ValueSpans, valueToken } from '../record/index.ts'
import type { EntityEvolution } from './entity-evolution.ts'
import type { Upcaster } from './schema-changes.ts'

/** Makes lines of today out of lines of the archive. */
export interface LineConverter {
  /** What the new lines hold. */
  readonly record: EntityDescriptor
  /** What a key of the archive is written as today, where up-casters leave keys as they are. */
  key(archived: KeyText): KeyText
  /** Pieces of whole lines into others, in the same order. `E_RECORD` where a line is not one, or an up-caster fails. */
  convert(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>
}

export interface LineConverterOptions {
  /** Of the archive. */
  readonly archived: EntityDescriptor
  readonly evolution: EntityEvolution
  /** Of today: types that values of an up-caster are written as. Null where none applies, and no database is asked. */
  readonly live: EntityDescriptor | null
  /** One line of the archive: which fields an up-caster makes is seen by what it makes of this one. Null when there is none. */
  readonly probe: Uint8Array | null
  /** Refuses up-casters that make another key of a record: what looks for it by its key would not find it. Default: false. */
  readonly keyStays?: boolean
}

/** A field of the new lines: copied from the archive's line, or made by an up-caster. */
interface MadeField {
  readonly field: FieldDescriptor
  readonly head: Buffer
  /** Place in the archive's lines; -1 for one that is not there. */
  readonly at: number
  readonly from: string
  /** The value that an up-caster gives must be that of the archive. */
  readonly stays: boolean
}

export function createLineConverter({ archived, evolution, live, probe, keyStays = false }: LineConverterOptions): LineConverter {
  const parser = createLineParser({ entity: evolution.entity, fields: archived.fields.map(({ path }) => path) })
  const record = recordOf(
    archived,
    evolution,
    live,
    probe === null ? new Set<string>() : madeBy(archived, evolution, parser.spans(probe, 0, probe.byteLength, 1), probe),
  )
  const fields = record.fields.map((field, at): MadeField => {
    const kept = evolution.kept.find(({ to }) => to === field.path)
    return {
      field,
      head: Buffer.from(`${at === 0 ? '{' : ','}${JSON.stringify(field.path)}:`),
      at: kept?.at ?? -1,
      from: kept?.from ?? field.path,
      stays: keyStays && record.key.includes(field.path),
    }
  })
  const made = evolution.upcasters.length > 0

  function line(bytes: Buffer, spans: ValueSpans, number: number, out: Buffer[]): void {
    const changed = made ? upcastLine(archived, evolution, spans, bytes, number) : null
    for (const { field, head, at, from, stays } of fields) {
      const token = changed ? tokenOf(changed, field, at, from, number) : bytes.subarray(spans[at * 2], spans[at * 2 + 1])
      if (changed && stays && retyped(archived.fields[at]!, field, changed.tokens[at]!.toString()) !== token.toString())
        throw refuse(evolution.entity, number, `the up-caster gives another "${field.path}", which is part of the key`)
      out.push(head, token)
    }
    out.push(CLOSE)
    if (changed) refuseStrangers(changed.after, record, archived, evolution, number)
  }

  function tokenOf({ before, after, tokens }: Upcast, field: FieldDescriptor, at: number, from: string, number: number): Buffer {
    const path = Object.hasOwn(after, field.path) ? field.path : from
    if (!Object.hasOwn(after, path)) throw refuse(evolution.entity, number, `the up-caster gives no "${field.path}", as it did for the first record`)
    const value = after[path]
    // What was not touched stays to the last digit, where the column takes the same kind of value.
    if (at >= 0 && Object.is(value, before[archived.fields[at]!.path]) && sameType(archived.fields[at]!, field)) return tokens[at]!
    try {
      return Buffer.from(valueToken(field, value))
    } catch (error) {
      if (error instanceof ValueError) throw refuse(evolution.entity, number, `the up-caster's "${field.path}" does not fit ${field.dbType}: ${error.message}`)
      throw error
    }
  }

  const keyFields = archived.key.map((path, at) => [fieldOf(archived, path), fieldOf(record, record.key[at]!)] as const)

  return {
    record,
    key: (key) =>
      keyTextOf(
        parseKeyText(key, keyFields.length).map((token, at) => {
          const now = retyped(...keyFields[at]!, token)
          if (now !== null) return now
          throw new HoldfastError('E_RECORD', `"${evolution.entity}": a key of the snapshot is none of today's`, { details: { entity: evolution.entity } })
        }),
      ),
    async *convert(pieces) {
      let number = 0
      for await (const piece of pieces) {
        const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
        const out: Buffer[] = []
        for (let start = 0; start < bytes.byteLength;) {
          const end = bytes.indexOf(NEWLINE, start) + 1
          line(bytes, parser.spans(bytes, start, end, ++number), number, out)
          start = end
        }
        yield Buffer.concat(out)
      }
    },
  }
}

const NEWLINE = 0x0a
const CLOSE = Buffer.from('}\n')

/** One record before and after the up-casters, and the tokens of the line. */
interface Upcast {
  readonly before: Readonly<Record<string, ExactJson>>
  readonly after: Readonly<Record<string, unknown>>
  readonly tokens: readonly Buffer[]
}

function upcastLine(archived: EntityDescriptor, { entity, upcasters }: EntityEvolution, spans: ValueSpans, bytes: Uint8Array, number: number): Upcast {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tokens = archived.fields.map((_, at) => view.subarray(spans[at * 2], spans[at * 2 + 1]))
  const before: Record<string, ExactJson> = Object.create(null) as Record<string, ExactJson>
  for (const [at, { path }] of archived.fields.entries()) before[path] = deepFrozen(parseExactJson(tokens[at]!.toString('utf8')))
  let after: Readonly<Record<string, unknown>> = { ...before }
  for (const upcaster of upcasters) after = applied(upcaster, after, entity, number)
  return { before, after, tokens }
}

function applied({ change, from, to }: Upcaster, record: Readonly<Record<string, unknown>>, entity: string, number: number): Readonly<Record<string, unknown>> {
  const name = `the up-caster from ${from ?? 'any version'} to ${to}`
  let made: unknown
  try {
    made = change(record as Parameters<Upcaster['change']>[0])
  } catch (cause) {
    throw refuse(entity, number, `${name} failed`, cause)
  }
  if (typeof made !== 'object' || made === null || Array.isArray(made) || 'then' in made) throw refuse(entity, number, `${name} gives no record`)
  return made as Readonly<Record<string, unknown>>
}

/** Lists and documents that a `change` alters in place would look untouched. */
function deepFrozen(value: ExactJson): ExactJson {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) deepFrozen(member as ExactJson)
  return Object.freeze(value)
}

/** Properties of today that the up-casters make, which the archive does not have. */
function madeBy(archived: EntityDescriptor, evolution: EntityEvolution, spans: ValueSpans, probe: Uint8Array): ReadonlySet<string> {
  if (evolution.upcasters.length === 0) return new Set()
  const { after } = upcastLine(archived, evolution, spans, probe, 1)
  return new Set(Object.keys(after))
}

/** In the order of the archive, then what was made. Types are those of the archive where values are copied, else those of today. */
function recordOf(archived: EntityDescriptor, evolution: EntityEvolution, live: EntityDescriptor | null, made: ReadonlySet<string>): EntityDescriptor {
  const { kept, added, upcasters, entity } = evolution
  const now = new Map(kept.map(({ from, to }) => [from, to]))
  const liveField = (path: string) => live?.fields.find((field) => field.path === path)
  const copies = kept.flatMap(({ at, to }): FieldDescriptor[] => {
    const old = archived.fields[at]!
    const today = liveField(to)
    if (upcasters.length > 0 && today) return today.generation === 'computed' ? [] : [{ ...today, ...(old.sensitive ? { sensitive: true } : {}) }]
    return [{ ...old, path: to, ...(today ? { column: today.column } : {}) }]
  })
  const extra = added.flatMap((path): FieldDescriptor[] => {
    const today = made.has(path) ? liveField(path) : undefined
    return today && today.generation !== 'computed' ? [today] : []
  })
  const paths = (all: readonly string[]) => all.map((path) => now.get(path))
  const whole = (all: readonly (string | undefined)[]): all is readonly string[] => all.every((path) => path !== undefined)
  const references = archived.references.flatMap((reference) => {
    const fields = paths(reference.fields)
    const { when } = reference
    const told = when && now.get(when.field)
    if (!whole(fields) || (when && told === undefined)) return []
    return [{ ...reference, fields, ...(when ? { when: { ...when, field: told! } } : {}) }]
  })
  const uniques = archived.uniques.map(paths).filter((all): all is string[] => whole(all))
  const key = paths(archived.key)
  if (!whole(key)) {
    throw new HoldfastError(
      'E_SCHEMA_DRIFT',
      `"${entity}" has another key than in the snapshot: ${archived.key.filter((path) => !now.has(path)).join(', ')} is gone`,
      {
        hint: 'Say what the property is called now: renamedFrom(…, { fields }). Records under another key cannot be restored.',
        details: { entity },
      },
    )
  }
  const marks = Object.fromEntries(
    (['version', 'updatedAt', 'createdAt', 'deletedAt'] as const).map((mark) => [mark, archived[mark] === undefined ? undefined : now.get(archived[mark])]),
  )
  const { version: _, updatedAt: __, createdAt: ___, deletedAt: ____, discriminator, ...rest } = archived
  const told = discriminator && now.get(discriminator.field)
  return {
    ...rest,
    name: entity,
    fields: [...copies, ...extra],
    key,
    references,
    uniques,
    ...Object.fromEntries(Object.entries(marks).filter(([, path]) => path !== undefined)),
    ...(told === undefined ? {} : { discriminator: { ...discriminator!, field: told } }),
  }
}

/** A field that nobody takes would be lost without a word. */
function refuseStrangers(
  after: Upcast['after'],
  record: EntityDescriptor,
  archived: EntityDescriptor,
  { entity, kept, removed }: EntityEvolution,
  number: number,
): void {
  for (const path of Object.keys(after)) {
    if (record.fields.some((field) => field.path === path) || removed.includes(path) || kept.some(({ from }) => from === path)) continue
    if (archived.fields.some((field) => field.path === path)) continue
    throw refuse(entity, number, `the up-caster gives "${path}", which is no property of the entity, or one that the first record was not given`)
  }
}

/** The token of a value of the archive as a field of today writes it; null where that takes no such value. */
function retyped(then: FieldDescriptor, now: FieldDescriptor, token: string): string | null {
  if (sameType(then, now)) return token
  try {
    return valueToken(now, parseExactJson(token))
  } catch (error) {
    if (error instanceof ValueError) return null
    throw error
  }
}

function fieldOf({ fields }: EntityDescriptor, path: string): FieldDescriptor {
  return fields.find((field) => field.path === path)!
}

function sameType(a: FieldDescriptor, b: FieldDescriptor): boolean {
  return JSON.stringify(a.type) === JSON.stringify(b.type)
}

function refuse(entity: string, line: number, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('E_RECORD', `"${entity}", line ${line}: ${reason}`, { cause, details: { entity, line } })
}
