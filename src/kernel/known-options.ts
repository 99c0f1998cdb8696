import { didYouMean } from './did-you-mean.ts'
import { HoldfastError } from './errors.ts'

/** Options come from plain JavaScript and from JSON too: a misspelt one would silently do nothing, and a missing object be a TypeError. @throws `E_CONFIG` */
export function assertKnownOptions(options: unknown, known: readonly string[], what: string): asserts options is object {
  if (typeof options !== 'object' || options === null)
    throw new HoldfastError('E_CONFIG', `${what} takes its options as an object, and got ${options === null ? 'null' : typeof options}`, {
      hint: `It takes ${known.join(', ')}.`,
    })
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const near = didYouMean(name, known)
    throw new HoldfastError('E_CONFIG', `${what} has no option \`${name}\`${near ? `; did you mean \`${near}\`?` : ''}`, {
      hint: `It takes ${known.join(', ')}.`,
    })
  }
}
