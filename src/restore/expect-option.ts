import { HoldfastError } from '../kernel/errors.ts'

/** @throws `E_CONFIG` */
export function expect(holds: boolean, option: string, value: unknown, expected: string): void {
  if (!holds) throw new HoldfastError('E_CONFIG', `\`${option}\` is ${shown(value)}; expected ${expected}`)
}

function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value) // a bigint, or a circle
  }
}
