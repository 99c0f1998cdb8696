import type { PropertyPath } from '../plan/property-path.ts'
import type { Operand } from './value-order.ts'
import type { WrittenBytes } from '../contracts/written-bytes.ts'

/** What a property of this type is compared with: one of a union by its members alone, numbers and big integers by number, bigint or digits, times by `Date` or ISO text, a relation by the key of what it refers to. */
export type OperandOf<V> = unknown extends V
  ? Operand
  : [NonNullable<V>] extends [never]
    ? Operand
    : NonNullable<V> extends boolean
      ? boolean
      : NonNullable<V> extends string
        ? string extends NonNullable<V>
          ? string | number | bigint
          : NonNullable<V>
        : NonNullable<V> extends number | bigint
          ? number | bigint | string
          : NonNullable<V> extends Date
            ? Date | string | number
            : NonNullable<V> extends ArrayBufferView
              ? Uint8Array | WrittenBytes
              : Operand

/** Equal to a value, or to null; one of several; or within bounds, all of which must hold. NULL is within no bounds. */
export type Condition<O = Operand> =
  | O
  | null
  | { readonly in: readonly (O | null)[] }
  | { readonly gt?: O; readonly gte?: O; readonly lt?: O; readonly lte?: O }
  | OrmCondition<O>

/** The same as MikroORM writes it, or an operator of TypeORM: `MoreThan(5)`. */
export type OrmCondition<O> =
  | { readonly $eq: O | null }
  | { readonly $in: readonly (O | null)[] }
  | { readonly $gt?: O; readonly $gte?: O; readonly $lt?: O; readonly $lte?: O }
  | { readonly '@instanceof': symbol }

/** What stands at a path: through references, lazy ones too. */
type ValueAt<T, P extends string> = unknown extends T
  ? unknown
  : T extends PromiseLike<infer Awaited>
    ? ValueAt<NonNullable<Awaited>, P>
    : P extends keyof T
      ? T[P]
      : P extends `${infer First}.${infer Rest}`
        ? First extends keyof T
          ? ValueAt<NonNullable<T[First]>, Rest>
          : unknown
        : unknown

type Unwrapped<V> = V extends PromiseLike<infer Awaited> ? Awaited : V

/** Conditions of what stands below a property, as both ORMs write them: `{ customer: { id: 7 } }`. */
type Nested<V> = unknown extends V
  ? { readonly [path: string]: unknown }
  : [OperandOf<V>] extends [Operand]
    ? [Operand] extends [OperandOf<V>]
      ? Where<NonNullable<Unwrapped<V>>>
      : never
    : never

/**
 * Conditions by property, all of which must hold: `{ status: 'paid', 'customer.id': 7 }`, or, as both ORMs have it, `{ customer: { id: 7 } }` and `{ customer: 7 }`. Numbers are compared by value,
 * whether they are given as number, bigint or text; timestamps and dates by instant (a `Date`, or ISO text; without a zone it is UTC); text by its code units. Operators of MikroORM (`$gte`) and of TypeORM
 * (`MoreThan`, `In`, `IsNull`, `Between` …) are taken where they say the same. A property that is undefined is refused: it would mean all rows.
 */
export type Where<T> = { readonly [P in PropertyPath<T>]?: Condition<OperandOf<Unwrapped<ValueAt<T, P>>>> | Nested<Unwrapped<ValueAt<T, P>>> }
