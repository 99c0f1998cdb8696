import { didYouMean } from './did-you-mean.ts'
import { HoldfastError } from './errors.ts'

/** Options come from plain JavaScript and from JSON too: a misspelt one would silently do nothing. @throws `E_CONFIG` */
export function assertKnownOptions(options: object, known: readonly string[], what: string): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const near = didYouMean(name, known)
    throw new HoldfastError('E_CONFIG', `${what} has no option \`${name}\`${near ? `; did you mean \`${near}\`?` : ''}`, {
      hint: `It takes ${known.join(', ')}.`,
    })
  }
}
