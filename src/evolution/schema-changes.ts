import type { EntityMapping } from '../contracts/entity-descriptor.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { EntityIndex } from '../plan/entity-index.ts'
import { referenceFacts } from '../plan/entity-reference.ts'
import type { RenamedOptions, SchemaChange, UpcastOptions } from './schema-change.ts'

export type Upcaster = Pick<UpcastOptions, 'from' | 'to' | 'change'>

/** What was declared of one entity of today. */
export interface EntityChanges {
  /** In the order of declaration. */
  readonly upcasters: readonly Upcaster[]
  /** Names that it had. */
  readonly names: readonly string[]
  /** Path of today → paths or columns that it had. */
  readonly fields: ReadonlyMap<string, readonly string[]>
}

/** All that the application declared of older schemas, tied to the stores. */
export interface SchemaChanges {
  of(store: string, entity: string): EntityChanges
  /** The reason, when an entity of older snapshots was declared to be gone; else null. */
  removed(store: string, entity: string): string | null
}

interface DeclaredChanges {
  readonly upcasters: Upcaster[]
  readonly names: string[]
  readonly fields: Map<string, string[]>
}

const NONE: EntityChanges = { upcasters: [], names: [], fields: new Map() }
export const NO_SCHEMA_CHANGES: SchemaChanges = { of: () => NONE, removed: () => null }

const KINDS = ['upcast', 'renamed', 'removed']

/** @throws `E_CONFIG` for a declaration that is not one, or of an entity that is not mapped */
export function schemaChanges(declared: readonly SchemaChange[], stores: readonly EntityStore[]): SchemaChanges {
  if (!Array.isArray(declared)) throw refused('is no list', 'Hand over what upcast(), renamedFrom() and removedEntity() give.')
  const index = new EntityIndex(stores)
  const removed = new Map<string, string>()
  const found = new Map<string, DeclaredChanges>()
  const entry = (id: string) => {
    const known: DeclaredChanges = found.get(id) ?? { upcasters: [], names: [], fields: new Map() }
    found.set(id, known)
    return known
  }
  for (const [at, change] of declared.entries()) {
    if (!KINDS.includes(change?.kind)) throw refused(`[${at}] is no change of a schema`, 'Hand over what upcast(), renamedFrom() and removedEntity() give.')
    if (change.kind === 'removed') {
      if (!isText(change.name) || !isText(change.reason))
        throw refused(`[${at}] names no entity, or no reason`, "removedEntity('AuditLog', { reason: 'kept elsewhere' })")
      removed.set(change.name, change.reason)
      continue
    }
    for (const { store, mapping } of located(change, at, index)) {
      const own = entry(idOf(store, mapping.name))
      if (change.kind === 'upcast') own.upcasters.push(upcasterOf(change, at))
      else addRenaming(own, change, mapping, at)
    }
  }
  return {
    of: (store, entity) => found.get(idOf(store, entity)) ?? NONE,
    removed: (store, entity) => removed.get(entity) ?? removed.get(`${store}.${entity}`) ?? null,
  }
}

function located(change: Exclude<SchemaChange, { kind: 'removed' }>, at: number, index: EntityIndex) {
  const facts = referenceFacts(change.of)
  if (!facts) throw refused(`[${at}] names no entity`, 'Name it by its class, its schema or its name.')
  const found = index.locate(facts, change.store ?? null)
  if (found.length > 0) return found
  throw refused(`[${at}]: no store maps "${facts.name}"`, `There are ${index.entityNames(change.store ?? null).join(', ')}.`)
}

function upcasterOf(declared: Extract<SchemaChange, { kind: 'upcast' }>, at: number): Upcaster {
  const { kind: _, of: __, ...options } = declared
  assertKnownOptions(options, ['from', 'to', 'change', 'store'] satisfies (keyof UpcastOptions)[], 'upcast')
  const { from, to, change } = options
  if (!(from === null || isText(from)) || !isText(to) || from === to || typeof change !== 'function')
    throw refused(
      `[${at}] needs \`from\` (a version or null), \`to\` (another one) and \`change\` (a function)`,
      'upcast(Order, { from: null, to: "AddTotal1700000000000", change })',
    )
  return { from, to, change }
}

function addRenaming(
  own: { readonly names: string[]; readonly fields: Map<string, string[]> },
  declared: Extract<SchemaChange, { kind: 'renamed' }>,
  mapping: EntityMapping,
  at: number,
): void {
  const { kind: _, of: __, ...options } = declared
  assertKnownOptions(options, ['entity', 'fields', 'store'] satisfies (keyof RenamedOptions)[], 'renamedFrom')
  const { entity, fields = {} } = options
  if (entity !== undefined) own.names.push(entity)
  for (const [path, old] of Object.entries(fields)) {
    if (!mapping.fields.some((field) => field.path === path)) {
      throw refused(`[${at}]: "${mapping.name}" has no property "${path}"`, `It has ${mapping.fields.map((field) => field.path).join(', ')}.`)
    }
    own.fields.set(path, [...(own.fields.get(path) ?? []), old])
  }
}

function idOf(store: string, entity: string): string {
  return JSON.stringify([store, entity])
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function refused(problem: string, hint: string): HoldfastError {
  return new HoldfastError('E_CONFIG', `\`schema\`${problem.startsWith('[') ? '' : ' '}${problem}`, { hint })
}
