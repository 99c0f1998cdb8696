/** A number without any rounding, or one of the values beyond all numbers. */
export interface ExactNumber {
  readonly digits: bigint
  /** Digits after the point. */
  readonly scale: number
  /** −1 and 1: infinite; 2: NaN, which databases put behind all else. */
  readonly beyond: -1 | 0 | 1 | 2
}

const DECIMAL = /^([+-]?\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i
const BEYOND: Readonly<Record<string, ExactNumber['beyond']>> = { '-Infinity': -1, Infinity: 1, NaN: 2 }

/** Null for what is no number. */
export function exactNumber(value: number | bigint | string): ExactNumber | null {
  const text = String(value)
  const beyond = Object.hasOwn(BEYOND, text) ? BEYOND[text] : undefined
  if (beyond !== undefined) return { digits: 0n, scale: 0, beyond }
  const found = DECIMAL.exec(text)
  if (!found) return null
  const [, whole = '', fraction = '', exponent = '0'] = found
  const scale = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return scale >= 0 ? { digits, scale, beyond: 0 } : { digits: digits * 10n ** BigInt(-scale), scale: 0, beyond: 0 }
}

export function compareNumbers(a: ExactNumber, b: ExactNumber): number {
  if (a.beyond !== 0 || b.beyond !== 0) return a.beyond - b.beyond
  const scale = Math.max(a.scale, b.scale)
  const [left, right] = [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale)]
  return left < right ? -1 : left > right ? 1 : 0
}
