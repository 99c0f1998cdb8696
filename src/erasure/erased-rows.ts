import type { ErasureEntry, ErasureLog } from '../archive/index.ts'
import type { EntityDescriptor, ReferenceDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { createLineParser, keyTextOf } from '../record/index.ts'
import { subjectTest } from './subject-test.ts'

/** The records of one entity, as often as they are asked for. */
export interface SearchedEntity {
  readonly descriptor: EntityDescriptor
  /** What the entity is called today. */
  readonly today: string
  /**
   * Whole lines: all of them, but for those that certainly are none of the subjects and refer to none of the values.
   */
  lines(wanted: SearchedRows, options: AbortableOptions): AsyncIterable<Uint8Array>
}

export interface SearchedRows {
  readonly isSubject: ((key: KeyText) => boolean) | null
  readonly references: readonly SearchedReference[]
}

/** A reference that leads to what is left out. */
export interface SearchedReference extends Pick<ReferenceDescriptor, 'fields' | 'when'> {
  /** Tuples of values that lead there. */
  readonly values: ReadonlySet<string>
}

/** Any reader that asks whether a record may be given out. */
export interface ErasedRows {
  of(store: string, entity: string): ReadonlySet<KeyText>
  /** Entities with records that are left out. */
  readonly counts: readonly ErasedCount[]
}

/** How many records of an entity were left out because they were erased, or belong to one that was. */
export interface ErasedCount {
  readonly store: string
  readonly entity: string
  readonly records: number
}

const NONE: ReadonlySet<KeyText> = new Set()
export const NOTHING_ERASED: ErasedRows = { of: () => NONE, counts: [] }

/**
 * The subjects of the ledger among the records, and what belongs to them: every record that refers to one, over any number of references. An entity is gone through again when what it refers to grew.
 * Memory: the keys of what is left out.
 */
export async function findErased(
  entities: readonly SearchedEntity[],
  ledger: Pick<ErasureLog, 'subject'>,
  entries: readonly ErasureEntry[],
  options: AbortableOptions = {},
): Promise<ErasedRows> {
  if (entries.length === 0) return NOTHING_ERASED
  const states = entities.map((searched) => new EntityState(searched, entries, ledger))
  // Which values others refer to must be known before anything is found.
  for (const state of states) forbidden(state, states)
  for (let grew = true, first = true; grew; first = false) {
    grew = false
    for (const state of states) {
      const references = forbidden(state, states)
      const asked = references.reduce((sum, { values }) => sum + values.size, 0)
      if (!(first && state.hasSubjects) && asked === state.asked) continue
      state.asked = asked
      if (await state.search({ isSubject: state.isSubject, references }, options)) grew = true
    }
  }
  const found = new Map(states.map(({ id, keys }) => [id, keys]))
  const counts = states.filter(({ keys }) => keys.size > 0).map(({ descriptor: { store, name }, keys }) => ({ store, entity: name, records: keys.size }))
  return { of: (store, entity) => found.get(idOf(store, entity)) ?? NONE, counts }
}

class EntityState {
  readonly id: string
  readonly descriptor: EntityDescriptor
  readonly keys = new Set<KeyText>()
  /** Values of what is left out, by the columns that others refer to. */
  readonly values = new Map<string, Set<string>>()
  readonly isSubject: ((key: KeyText) => boolean) | null
  asked = 0
  readonly #searched: SearchedEntity

  constructor(searched: SearchedEntity, entries: readonly ErasureEntry[], ledger: Pick<ErasureLog, 'subject'>) {
    const { descriptor, today } = searched
    this.#searched = searched
    this.id = idOf(descriptor.store, descriptor.name)
    this.descriptor = descriptor
    this.isSubject = subjectTest({ descriptor, today }, entries, ledger)
  }

  get hasSubjects(): boolean {
    return this.isSubject !== null
  }

  /** True when there are more than before, or other lines of the same. */
  async search(wanted: SearchedRows, options: AbortableOptions): Promise<boolean> {
    const { descriptor, keys } = this
    const size = () => keys.size + [...this.values.values()].reduce((sum, values) => sum + values.size, 0)
    const before = size()
    const paths = descriptor.fields.map(({ path }) => path)
    const parser = createLineParser({ entity: descriptor.name, fields: paths })
    const keyAt = descriptor.key.map((path) => paths.indexOf(path))
    const refersAt = wanted.references.map(({ fields, when, values }) => ({
      at: fields.map((path) => paths.indexOf(path)),
      values,
      when: when && { at: paths.indexOf(when.field), values: when.values },
    }))
    for await (const piece of this.#searched.lines(wanted, options)) {
      throwIfAborted(options.signal)
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
      for (let start = 0, number = 1; start < bytes.byteLength; number++) {
        const end = bytes.indexOf(0x0a, start) + 1
        const spans = parser.spans(bytes, start, end, number)
        start = end
        const token = (at: number) => bytes.toString('utf8', spans[at * 2], spans[at * 2 + 1])
        const key = keyTextOf(keyAt.map(token))
        const refers = refersAt.some(
          ({ at, when, values }) => (!when || when.values.includes(String(JSON.parse(token(when.at))))) && values.has(tuple(at.map(token))),
        )
        if (!refers && !keys.has(key) && !wanted.isSubject?.(key)) continue
        keys.add(key)
        for (const [columns, values] of this.values) {
          values.add(tuple((JSON.parse(columns) as string[]).map((column) => token(descriptor.fields.findIndex((field) => field.column === column)))))
        }
      }
    }
    return size() > before
  }
}

/** Of each reference to an entity with records that are left out: the values that nobody may have. */
function forbidden({ descriptor }: EntityState, states: readonly EntityState[]): readonly SearchedReference[] {
  const found: SearchedReference[] = []
  for (const { fields, entity, columns, when } of descriptor.references) {
    const parent = states.find((state) => state.descriptor.store === descriptor.store && state.descriptor.name === entity)
    if (!parent || !columns.every((column) => parent.descriptor.fields.some((field) => field.column === column))) continue
    const place = JSON.stringify(columns)
    const values = parent.values.get(place) ?? new Set<string>()
    parent.values.set(place, values)
    if (values.size > 0) found.push({ fields, values, ...(when ? { when } : {}) })
  }
  return found
}

/** Equal values of both sides of a reference, whatever the kinds of their columns. */
function tuple(tokens: readonly string[]): string {
  return JSON.stringify(tokens.map((token) => (token.startsWith('"') ? (JSON.parse(token) as string) : token)))
}

export function idOf(store: string, entity: string): string {
  return JSON.stringify([store, entity])
}
