/** An entity class. Read by its prototype, so that abstract classes and private constructors fit too. */
export interface EntityClass<T = unknown> {
  readonly name: string
  readonly prototype: T
}

/** What is used of a TypeORM `EntitySchema`. Structural, so that neither ORM needs to be installed for the types of a plan. */
export interface TypeormSchema {
  readonly '@instanceof': symbol
  readonly options: { readonly name: string; readonly target?: unknown; readonly columns: object }
}

/** What is used of a MikroORM `EntitySchema` (6 or 7), which `defineEntity` returns. */
export interface MikroOrmSchema<T = unknown> {
  readonly name: unknown
  readonly meta: { readonly className: string; readonly class?: unknown; readonly prototype: T }
}

/**
 * How a plan names an entity: by its class, by its TypeORM `EntitySchema` or MikroORM `defineEntity` result, or by the name that its ORM
 * gives it (the only way for junction and closure tables).
 */
export type EntityReference = string | EntityClass | TypeormSchema | MikroOrmSchema

/** The entity type behind a reference; `unknown` behind a name. */
export type EntityOf<R> = R extends string
  ? unknown
  : R extends { readonly '~entity': infer T } | MikroOrmSchema<infer T>
    ? T
    : R extends { readonly options: { readonly columns: { [P in keyof (infer T)]?: unknown } } }
      ? T
      : R extends { readonly prototype: infer T }
        ? T
        : unknown

/** What a reference can be recognised by in a store's mapping. */
export interface ReferenceFacts {
  readonly name: string
  /** Compared by identity with the mapping's target; empty for a name. */
  readonly targets: readonly unknown[]
}

/** Null when the value is no entity reference at all. */
export function referenceFacts(reference: unknown): ReferenceFacts | null {
  if (typeof reference === 'string') return reference === '' ? null : { name: reference, targets: [] }
  if (isEntityClass(reference)) return { name: reference.name, targets: [reference] }
  if (isTypeormSchema(reference)) {
    const { name, target } = reference.options
    return { name, targets: isEntityClass(target) ? [reference, target] : [reference] }
  }
  if (isMikroOrmSchema(reference)) {
    const { className, class: target } = reference.meta
    return { name: className, targets: isEntityClass(target) ? [reference, target] : [reference] }
  }
  return null
}

/** A constructor function; arrow functions and methods have no prototype. */
export function isEntityClass(value: unknown): value is EntityClass<object> {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null
}

function isTypeormSchema(value: unknown): value is TypeormSchema {
  return isObject(value) && '@instanceof' in value && isObject(value.options) && typeof value.options.name === 'string'
}

function isMikroOrmSchema(value: unknown): value is MikroOrmSchema {
  return isObject(value) && isObject(value.meta) && typeof value.meta.className === 'string'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
