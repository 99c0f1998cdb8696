/**
 * A record as a plain object, read from a snapshot: columns only, so every property may be absent (relations to many, what the plan ignores). Values are in record
 * encoding, whatever the entity's class makes of them: integers beyond 2^53 and decimals are text, timestamps ISO text (SQLite: what is stored), bytes
 * base64. A foreign key is an object with the key of what it refers to, or null.
 */
export type SnapshotRecord<T> = unknown extends T
  ? Readonly<Record<string, unknown>>
  : { readonly [P in keyof T as T[P] extends (...args: never[]) => unknown ? never : P]?: RecordValue<T[P]> }

type RecordValue<V> = unknown extends V
  ? unknown
  : V extends null | undefined
    ? null
    : V extends string
      ? V
      : V extends number | bigint
        ? number | string
        : V extends boolean
          ? boolean | number
          : V extends Date
            ? string | number
            : V extends ArrayBufferView
              ? string
              : V extends PromiseLike<infer Awaited>
                ? RecordValue<Awaited>
                : V extends readonly (infer E)[]
                  ? readonly RecordValue<E>[] | string
                  : V extends object
                    ? [keyof V] extends [never]
                      ? unknown
                      : SnapshotRecord<V>
                    : never
