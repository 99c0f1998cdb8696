/** Values that one column holds; their own members are no property paths. */
type Leaf = string | number | bigint | boolean | symbol | null | undefined | Date | RegExp | URL | ArrayBufferView | Iterable<unknown>

/** A lazy relation of TypeORM is a promise of the entity. */
type Related<T> = T extends PromiseLike<infer Awaited> ? NonNullable<Awaited> : T

/** Entities refer to each other in circles, so the walk must end: `address.geo.centre.lat` is as deep as it goes. */
type Shallower = [never, never, 1, 2, 3]

type Below<K extends string, T, Depth extends number> = T extends Leaf ? never : `${K}.${Paths<T, Shallower[Depth]>}`

/** A property of unknown type may be an embedded object: anything may stand below it. */
type PathsAt<K extends string, T, Depth extends number> = unknown extends T
  ? K | `${K}.${string}`
  : NonNullable<T> extends (...args: never[]) => unknown
    ? never
    : K | Below<K, Related<NonNullable<T>>, Depth>

type Paths<T, Depth extends number> = [Depth] extends [never] ? never : { [K in keyof T & string]-?: PathsAt<K, T[K], Depth> }[keyof T & string]

/**
 * The property paths of an entity class: `searchText`, `address.city`, `customer`, `customer.id`. Methods are left out. `string` when the type is
 * not known. Private properties are not visible to a type: mark those by decorator.
 */
export type PropertyPath<T> = unknown extends T ? string : Paths<T, 4>
