import type { FieldType } from '../../src/contracts/field-type.ts'

// What the transcoder should write, the slow way: strings, regular expressions and JSON.stringify, sharing no code with it.

/** One value, from the database's `::text` output (null for SQL NULL), as the JSON text of a record line. */
export function expectedJson(text: string | null, type: FieldType): string {
  if (text === null) return 'null'
  switch (type.kind) {
    case 'int':
      return text
    case 'float':
      return /^(NaN|-?Infinity)$/.test(text) ? `"${text}"` : text
    case 'bigint':
    case 'decimal':
      return `"${text}"`
    case 'boolean':
      return { t: 'true', f: 'false', true: 'true', false: 'false' }[text]!
    case 'timestamp':
      return JSON.stringify(text.replace(' ', 'T'))
    case 'bytes':
      return `"${Buffer.from(text.slice(2), 'hex').toString('base64')}"`
    case 'jsonb':
      return `[${text}]`
    case 'text':
      return jsonString(text)
    case 'array':
      return text.startsWith('[') || (type.element.kind === 'jsonb' && text.startsWith('{{')) ? jsonString(text) : arrayJson(text, type.element, type.delimiter)
    default:
      throw new Error(`PostgreSQL has no ${type.kind}`)
  }
}

/** `JSON.stringify`, which leaves everything but quotes, backslashes and controls as it is for well-formed strings. */
const jsonString = (text: string) => JSON.stringify(text)

function arrayJson(literal: string, element: FieldType, delimiter: string): string {
  let rest = literal
  const take = (count: number) => {
    const taken = rest.slice(0, count)
    rest = rest.slice(count)
    return taken
  }
  const parse = (): string => {
    if (rest.startsWith('{')) {
      take(1)
      const items: string[] = []
      while (!rest.startsWith('}')) {
        items.push(parse())
        if (rest.startsWith(delimiter)) take(1)
      }
      take(1)
      return `[${items.join(',')}]`
    }
    if (rest.startsWith('"')) {
      let end = 1
      while (rest[end] !== '"') end += rest[end] === '\\' ? 2 : 1
      return expectedJson(
        take(end + 1)
          .slice(1, -1)
          .replace(/\\([\s\S])/g, '$1'),
        element,
      )
    }
    const bare = take(rest.search(delimiter === ';' ? /[;}]/ : /[,}]/))
    return bare === 'NULL' ? 'null' : expectedJson(bare, element)
  }
  return parse()
}

export function expectedLine(fields: readonly { readonly path: string; readonly type: FieldType }[], values: readonly (string | null)[]): string {
  return `{${fields.map(({ path, type }, index) => `${JSON.stringify(path)}:${expectedJson(values[index]!, type)}`).join(',')}}\n`
}

const COPY_ESCAPES: Record<string, string> = { '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' }

/** One value as COPY text. */
export function copyText(text: string | null): string {
  return text === null ? '\\N' : text.replace(/[\\\b\f\n\r\t\v]/g, (character) => COPY_ESCAPES[character]!)
}

/** One row as the CopyData message in which PostgreSQL sends it. */
export function copyMessage(values: readonly (string | null)[]): Buffer {
  const row = Buffer.from(`${values.map(copyText).join('\t')}\n`)
  const header = Buffer.from([0x64, 0, 0, 0, 0])
  header.writeUInt32BE(row.length + 4, 1)
  return Buffer.concat([header, row])
}
