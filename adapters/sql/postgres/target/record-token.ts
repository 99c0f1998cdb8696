import type { FieldType } from '../../../../src/contracts/field-type.ts'

/**
 * The JSON token, in record encoding, of a value's output text. For the few values of samples and keys in problems; records themselves go
 * through the transcoder of `copy/`.
 */
export function recordToken(type: FieldType, text: string | null): string {
  if (text === null) return 'null'
  switch (type.kind) {
    case 'int':
      return text
    case 'float':
      return /^-?\d/.test(text) ? text : JSON.stringify(text)
    case 'boolean':
      return text === 't' ? 'true' : 'false'
    case 'timestamp':
      return JSON.stringify(text.replace(' ', 'T'))
    case 'bytes':
      return JSON.stringify(Buffer.from(text.slice(2), 'hex').toString('base64'))
    case 'jsonb':
      return `[${text}]`
    case 'array':
      // Bounds in front of the braces say that it does not start at 1: then the literal itself is the value.
      return text.startsWith('{') ? arrayToken(type, text) : JSON.stringify(text)
    default:
      return JSON.stringify(text)
  }
}

function arrayToken(type: Extract<FieldType, { kind: 'array' }>, text: string): string {
  let at = 0
  const list = (): string => {
    const tokens: string[] = []
    at++ // {
    while (text[at] !== '}') {
      if (text[at] === '{') tokens.push(list())
      else tokens.push(text[at] === '"' ? recordToken(type.element, quoted()) : bare())
      if (text[at] === type.delimiter) at++
    }
    at++ // }
    return `[${tokens.join(',')}]`
  }
  const quoted = (): string => {
    let value = ''
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++
      value += text[at]
    }
    at++
    return value
  }
  const bare = (): string => {
    const start = at
    while (text[at] !== type.delimiter && text[at] !== '}') at++
    const value = text.slice(start, at)
    return recordToken(type.element, value === 'NULL' ? null : value)
  }
  return list()
}
