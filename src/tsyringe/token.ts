declare const service: unique symbol

/** A symbol that knows what is registered under it: a bare symbol token would resolve to `unknown`. */
export type Token<T> = symbol & { readonly [service]?: T }

/** The same name gives the same token, also when two copies of the package are loaded. */
export function token<T>(name: string): Token<T> {
  return Symbol.for(`holdfast.${name}`)
}
