/** A JSON number that a JavaScript number would not print back in the same way: `1.0`, `12345678901234567890`, `1.10`. */
export class ExactNumber {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
  toString(): string {
    return this.source
  }
}

/** Any JSON value with its numbers exact. Objects have no prototype, so that a property called `__proto__` is one like any other. */
export type ExactJson = null | boolean | string | number | ExactNumber | readonly ExactJson[] | { readonly [name: string]: ExactJson }

/** TypeScript's `JSON.parse` does not know the third argument of a reviver yet. */
type Reviver = (this: unknown, name: string, value: unknown, context: { readonly source?: string }) => unknown

const exact: Reviver = (_name, value, context) => {
  if (typeof value === 'number') return context.source === undefined || context.source === `${value}` ? value : new ExactNumber(context.source)
  if (value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof ExactNumber)) return Object.setPrototypeOf(value, null)
  return value
}

/** `JSON.parse` that loses no digit of a number. For display, comparison and fixing of single records; the hot paths never parse. */
export function parseExactJson(text: string): ExactJson {
  return JSON.parse(text, exact as (this: unknown, name: string, value: unknown) => unknown) as ExactJson
}

/** The inverse of `parseExactJson`, without white space. */
export function printExactJson(value: ExactJson): string {
  if (value instanceof ExactNumber) return value.source
  if (isList(value)) return `[${value.map(printExactJson).join(',')}]`
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([name, member]) => `${JSON.stringify(name)}:${printExactJson(member)}`)
      .join(',')}}`
  }
  return JSON.stringify(value)
}

function isList(value: ExactJson): value is readonly ExactJson[] {
  return Array.isArray(value)
}
