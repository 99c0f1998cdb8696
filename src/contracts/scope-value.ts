import { HoldfastError } from '../kernel/errors.ts'

const MAX_BYTES = 512
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/

/**
 * A tenant is 1 to 512 bytes of UTF-8 without control characters, and stands for itself alone: neither case nor Unicode form is changed, so what looks alike is not the same.
 * It is part of no path and of no SQL.
 *
 * @throws `E_SCOPE`
 */
export function assertScopeValue(value: unknown): asserts value is string {
  const problem =
    typeof value !== 'string'
      ? 'is no text'
      : value === ''
        ? 'is empty'
        : !value.isWellFormed()
          ? 'is not well-formed Unicode'
          : CONTROL.test(value)
            ? 'has control characters'
            : Buffer.byteLength(value) > MAX_BYTES
              ? `has ${Buffer.byteLength(value)} bytes; at most ${MAX_BYTES}`
              : null
  if (problem !== null) throw new HoldfastError('E_SCOPE', `the scope ${problem}`)
}
