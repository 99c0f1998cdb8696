import type { Token } from './token.ts'

/** The calls of tsyringe's `DependencyContainer` that are made. Structural, so that this entry loads neither tsyringe nor reflect-metadata. */
export interface Container {
  register<T>(token: symbol, provider: { useValue: T }): unknown
  resolve<T>(token: symbol): T
  isRegistered(token: symbol, recursive?: boolean): boolean
}

/** `container.resolve`, typed by the token. */
export function resolve<T>(container: Container, token: Token<T>): T {
  return container.resolve<T>(token)
}
