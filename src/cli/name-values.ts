import { InvalidArgumentError } from 'commander'

/** Collects a repeated `name=value` option. */
export function nameValue(text: string, known: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Expected name=value.')
  const name = text.slice(0, at)
  if (Object.hasOwn(known, name)) throw new InvalidArgumentError(`"${name}" is given twice.`)
  return { ...known, [name]: text.slice(at + 1) }
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}
