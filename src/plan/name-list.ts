import { didYouMean } from '../kernel/did-you-mean.ts'

const SHOWN = 20

/** The remedy for a name that is not known: the one probably meant, then those there are. What was found may be no text where nobody checks types. */
export function suggest(found: unknown, known: Iterable<string>, kind: string): string {
  const names = [...new Set(known)]
  const near = typeof found === 'string' ? didYouMean(found, names) : null
  return (near === null ? '' : `Did you mean "${near}"? `) + (names.length === 0 ? `There are no ${kind}` : `Known ${kind}: ${nameList(names)}`)
}

/** Names for a message, cut where they would bury it. */
export function nameList(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).join(', ')
  return names.length > SHOWN ? `${shown} and ${names.length - SHOWN} more` : shown
}
