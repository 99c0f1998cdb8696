import { HoldfastError } from '../../src/kernel/errors.ts'

/**
 * Options that say how to make a client have no effect beside one that is given.
 *
 * @throws `E_CONFIG` naming them.
 */
export function refuseBesideClient<O extends { readonly client?: unknown }>(adapter: string, options: O, names: readonly (keyof O & string)[]): void {
  if (options.client === undefined) return
  const idle = names.filter((name) => options[name] !== undefined)
  if (idle.length > 0) throw new HoldfastError('E_CONFIG', `${adapter}: \`client\` has its own ${idle.join(', ')}; leave that out`)
}
