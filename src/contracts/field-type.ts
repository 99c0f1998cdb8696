/**
 * How a stored value is written in a record line (DESIGN "A record"; TECHNICAL.md has the table). The kind comes from the
 * database's catalog, never from the ORM's metadata, and drives the encoder in both directions.
 *
 * | kind        | JSON form                                                                                   |
 * |-------------|---------------------------------------------------------------------------------------------|
 * | `int`       | number token (fits in 2^53)                                                                 |
 * | `bigint`    | string of digits                                                                            |
 * | `decimal`   | string, scale kept                                                                          |
 * | `float`     | shortest round-trip number token, `-0` kept; `"NaN"`, `"Infinity"`, `"-Infinity"` as strings |
 * | `boolean`   | `true` / `false`                                                                            |
 * | `timestamp` | string: the database's ISO text with `T` between date and time                               |
 * | `bytes`     | string, base64 (RFC 4648 §4, padded)                                                        |
 * | `jsonb`     | one-element array `[value]`, the value verbatim as the database prints it                    |
 * | `text`      | string: the database's exact output text; also json, uuid, enum, date, time, interval, …     |
 * | `array`     | JSON array of `element` forms, `null` for NULL; a string of the literal when not 1-based     |
 * | `dynamic`   | SQLite: see below                                                                           |
 *
 * A SQLite column holds values of any storage class, whatever it was declared as. What is usual for its affinity stands plain, the rest as an
 * object of one member that names the class, so that `typeof` and value both come back:
 *
 * | affinity  | plain                                                                                    |
 * |-----------|------------------------------------------------------------------------------------------|
 * | `integer` | INTEGER: number token; a string of digits outside ±(2^53 − 1)                              |
 * | `real`    | REAL: number token that always has a `.` or an exponent; `"Infinity"`, `"-Infinity"`      |
 * | `numeric` | INTEGER up to ±(2^53 − 1): number token of digits; finite REAL: number token with `.` or exponent; TEXT: string (dates, decimals, booleans and JSON are declared so) |
 * | `text`    | TEXT: string                                                                             |
 * | `blob`    | BLOB: base64 string                                                                      |
 *
 * Otherwise `{"integer":1}`, `{"integer":"9007199254740993"}`, `{"real":1.0}`, `{"real":"Infinity"}`, `{"text":"a"}`, `{"blob":"AA=="}`; TEXT whose
 * bytes are not UTF-8 is `{"textbytes":"/w=="}` in every column.
 *
 * SQL NULL is `null` for every kind.
 */
export type FieldType =
  | { readonly kind: 'int' | 'bigint' | 'decimal' | 'float' | 'boolean' | 'timestamp' | 'bytes' | 'jsonb' | 'text' }
  | {
      readonly kind: 'array'
      readonly element: FieldType
      /** Element delimiter of the type in PostgreSQL's array text; `,` for all but `box`. */ readonly delimiter: string
    }
  | {
      /** A SQLite column: any storage class may stand in any column. */
      readonly kind: 'dynamic'
      readonly affinity: Affinity
    }

/** What SQLite makes of a declared type: INT → `integer`; CHAR, CLOB, TEXT → `text`; BLOB or none → `blob`; REAL, FLOA, DOUB → `real`; all else → `numeric`. */
export type Affinity = 'integer' | 'real' | 'numeric' | 'text' | 'blob'
