import type { Dialect } from '../../src/contracts/index.ts'
import type { Prng } from './prng.ts'

/** A stored value as exact text, as the dialect prints it; null is SQL NULL. SQLite: the literal, so that 1, 1.0 and '1' stay apart. */
export type Value = string | null

export type ColumnKind = 'int' | 'bigint' | 'word' | 'text' | 'amount' | 'mood'

export interface Column {
  readonly name: string
  readonly kind: ColumnKind
  readonly nullable: boolean
  /** What an added column gives to rows that are there, and to none afterwards that the model writes: it always names every column. */
  readonly initial?: Value
  readonly references?: { readonly table: string; readonly column: string }
}

export interface Table {
  readonly name: string
  /** Key columns first. */
  readonly columns: readonly Column[]
  readonly keys: number
  /** The key columns of the `n`-th possible row. Absent: rows are made of others (junctions). */
  readonly keyOf?: (n: number) => readonly string[]
}

/** Immutable: a change of schema makes another one. */
export interface Schema {
  readonly dialect: Dialect
  readonly tables: readonly Table[]
  /** Labels of the enum, where the dialect has one. */
  readonly moods: readonly string[]
}

/** Rows of `event` whose `n` is below lie in a partition that is exchanged for another with the same keys; nothing is inserted there or deleted. */
export const FIXED_EVENTS = 40
/** How many possible keys a table has. */
export const KEYS = 240

const WORDS = ['a', 'B', '_', 'é', 'Ω', '-', 'aB', 'z']
const REGIONS = ['eu', 'Us', 'é', '', 'EU ', 'üß']
export const MOODS = ['sad', 'ok', 'glad']

export function initialSchema(dialect: Dialect): Schema {
  const key = (name: string, kind: ColumnKind): Column => ({ name, kind, nullable: false })
  const more = (name: string, kind: ColumnKind, rest: Partial<Column> = {}): Column => ({ name, kind, nullable: kind !== 'mood', ...rest })
  const text = (raw: string) => textValue(dialect, raw)
  const tables: Table[] = [
    {
      name: 'parent',
      columns: [key('id', 'int'), more('name', 'text'), more('amount', 'amount'), more('mood', 'mood')],
      keys: 1,
      keyOf: (n) => [String(n - 60)],
    },
    { name: 'tag', columns: [key('code', 'word'), more('label', 'text')], keys: 1, keyOf: (n) => [text(`${WORDS[n % WORDS.length]}${n}`)] },
    {
      name: 'child',
      columns: [key('id', 'bigint'), more('parent_id', 'int', { references: { table: 'parent', column: 'id' } }), more('note', 'text')],
      keys: 1,
      keyOf: (n) => [String(n * 1_000_003)],
    },
    {
      name: 'page',
      columns: [key('region', 'word'), key('no', 'int'), more('body', 'text')],
      keys: 2,
      keyOf: (n) => [text(REGIONS[n % REGIONS.length]!), String(n - 30)],
    },
    {
      name: 'parent_tag',
      columns: [
        { ...key('parent_id', 'int'), references: { table: 'parent', column: 'id' } },
        { ...key('tag_code', 'word'), references: { table: 'tag', column: 'code' } },
      ],
      keys: 2,
    },
    ...(dialect === 'postgres'
      ? [{ name: 'event', columns: [key('id', 'int'), more('what', 'text')], keys: 1, keyOf: (n: number) => [String(n)] } satisfies Table]
      : []),
  ]
  return { dialect, tables, moods: MOODS }
}

export function tableOf(schema: Schema, name: string): Table {
  const table = schema.tables.find((candidate) => candidate.name === name)
  if (!table) throw new Error(`the model has no table ${name}`)
  return table
}

/** Could records of one be restored into the other as they are? */
export function sameSchema(a: Schema, b: Schema): boolean {
  const facts = ({ tables, moods }: Schema) =>
    JSON.stringify([moods, tables.map(({ name, columns }) => [name, columns.map((column) => [column.name, column.kind])])])
  return facts(a) === facts(b)
}

export function textValue(dialect: Dialect, raw: string): string {
  return dialect === 'sqlite' ? `'${raw.replaceAll("'", "''")}'` : raw
}

const TEXTS = ['', ' ', "it's", 'a\\b', '"q"', 'line\nline', 'tab\t', 'é', '漢字', '🙂', 'NULL', '\\N', '{}', '0']

/** A value that the column may hold. Some often, so that rows change back to what they were. */
export function randomValue(rng: Prng, { dialect, moods }: Schema, { kind, nullable }: Column): Value {
  if (nullable && rng.chance(0.1)) return null
  switch (kind) {
    case 'mood':
      return dialect === 'postgres' ? rng.pick(moods) : textValue(dialect, rng.pick(MOODS))
    case 'amount':
      return amount(rng, dialect)
    case 'int':
    case 'bigint':
      return String(rng.int(-5, 500))
    case 'word':
    case 'text':
      return textValue(dialect, rng.chance(0.4) ? rng.pick(TEXTS) : `${rng.pick(TEXTS)} ${rng.int(0, 9999)} ${'lorem ipsum '.repeat(rng.int(0, 6))}`)
  }
}

function amount(rng: Prng, dialect: Dialect): Value {
  const whole = rng.int(-3, 20)
  switch (dialect) {
    case 'postgres':
      return rng.pick([`${whole}`, `${whole}.0`, `${whole}.00`, `${whole}.125`]) // equal as numbers, and not the same
    case 'mysql':
      return `${whole}.${rng.pick(['000', '125', '500'])}`
    case 'sqlite':
      return rng.pick([`${whole}`, `${whole}.0`, `${whole}.125`, `'${whole}'`, "X'00FF'"])
  }
}

export function literal(schema: Schema, { kind }: Column, value: Value): string {
  if (value === null) return 'NULL'
  if (schema.dialect === 'sqlite' || kind === 'int' || kind === 'bigint' || kind === 'amount') return value
  const quoted = `'${value.replaceAll("'", "''")}'`
  return schema.dialect === 'mysql' ? quoted.replaceAll('\\', '\\\\') : quoted
}
