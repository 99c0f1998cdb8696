import type { EntityMapping } from '../contracts/entity-descriptor.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { Masker } from '../contracts/masker.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { EntityIndex } from '../plan/entity-index.ts'
import type { PathOf } from '../plan/entity-options.ts'
import { type EntityReference, referenceFacts } from '../plan/entity-reference.ts'
import { declaredMasks } from '../plan/declared-masks.ts'

/** Maskers of one entity by property path; a path stands for everything below it. */
export interface MaskRule {
  readonly of: EntityReference
  readonly masks: Readonly<Record<string, Masker>>
  readonly store?: string
}

/** How sensitive values are replaced when records go into another database: `createHoldfast({ masking })`. */
export interface MaskingOptions {
  /**
   * At least 16 characters or bytes that nobody learns who sees the masked data. Under the same key equal values get equal answers in every restore; with another key, others.
   */
  readonly key: string | Uint8Array
  /** What `maskEntity` gives; `@Sensitive({ mask })` holds besides, and goes after them. */
  readonly rules?: readonly MaskRule[]
}

/** What masking was declared, tied to the stores. */
export interface MaskRules {
  readonly key: Uint8Array
  /** Path of a column → masker. */
  of(store: string, entity: string): ReadonlyMap<string, Masker>
}

const LEAST_KEY_BYTES = 16

/**
 * Says how properties of an entity are masked: `maskEntity(Customer, { email: masks.email(), 'address.city': masks.plain() })`. Paths are checked against the entity's type; a private one
 * takes the entity's name in place of the class. `store`: that of the target, in which it holds; default every store that maps the entity.
 */
export function maskEntity<R extends EntityReference>(
  entity: R,
  byPath: { readonly [Path in PathOf<R>]?: Masker },
  options: { readonly store?: string } = {},
): MaskRule {
  return { of: entity, masks: byPath as Readonly<Record<string, Masker>>, ...options }
}

/** @throws `E_CONFIG` for a key that is too short, and for entities and properties that are not mapped */
export function maskRules(options: MaskingOptions, stores: readonly EntityStore[]): MaskRules {
  assertKnownOptions(options, ['key', 'rules'] satisfies (keyof MaskingOptions)[], '`masking`')
  const key = typeof options.key === 'string' ? Buffer.from(options.key) : options.key
  if (!(key instanceof Uint8Array) || key.byteLength < LEAST_KEY_BYTES)
    throw new HoldfastError('E_CONFIG', `\`masking.key\` is no text or bytes of at least ${LEAST_KEY_BYTES}`)
  const index = new EntityIndex(stores)
  const found = new Map<string, Map<string, Masker>>()
  for (const { name, mapping } of stores) {
    for (const entity of mapping.entities) {
      const own = new Map<string, Masker>()
      for (const { property, mask } of declaredMasks(entity)) for (const path of pathsAt(entity, property)) own.set(path, mask)
      found.set(idOf(name, entity.name), own)
    }
  }
  for (const [at, rule] of (options.rules ?? []).entries()) {
    const facts = referenceFacts(rule?.of)
    const located = facts ? index.locate(facts, rule.store ?? null) : []
    if (located.length === 0)
      throw new HoldfastError('E_CONFIG', `\`masking.rules[${at}]\` names no entity that is mapped`, { hint: 'maskEntity(Customer, { email: masks.email() })' })
    for (const { store, mapping } of located) {
      for (const [property, mask] of Object.entries(rule.masks)) {
        const paths = pathsAt(mapping, property)
        if (paths.length === 0 || typeof mask?.for !== 'function') {
          throw new HoldfastError(
            'E_CONFIG',
            `\`masking.rules[${at}]\`: ${paths.length === 0 ? `"${mapping.name}" has no property "${property}"` : `"${property}" has no masker`}`,
            {
              hint: `Its properties are ${mapping.fields.map(({ path }) => path).join(', ')}; the maskers are those of \`masks\`.`,
            },
          )
        }
        for (const path of paths) found.get(idOf(store, mapping.name))!.set(path, mask)
      }
    }
  }
  return { key, of: (store, entity) => found.get(idOf(store, entity)) ?? new Map() }
}

function pathsAt(entity: EntityMapping, property: string): string[] {
  return entity.fields.map(({ path }) => path).filter((path) => path === property || path.startsWith(`${property}.`))
}

function idOf(store: string, entity: string): string {
  return JSON.stringify([store, entity])
}
