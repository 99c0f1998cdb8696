import type { MaskContext } from '../contracts/masker.ts'

const ROUNDS = 8n

/**
 * A permutation of the numbers below `size`, another one for each label: a balanced Feistel network (Luby and Rackoff, SIAM J. Comput. 1988) over the next even number of bits, walked
 * along its cycle until it is below `size` again (Black and Rogaway, CT-RSA 2002). So different numbers stay different. Small sizes have few permutations: what is one of ten is guessed in ten tries.
 */
export function permute(value: bigint, size: bigint, label: string, context: MaskContext): bigint {
  if (size <= 1n) return value
  const half = BigInt(Math.ceil((size - 1n).toString(2).length / 2))
  const mask = (1n << half) - 1n
  let at = value
  do {
    let left = at >> half
    let right = at & mask
    for (let round = 0n; round < ROUNDS; round++) [left, right] = [right, left ^ (roundOf(right, round, half, label, context) & mask)]
    at = (left << half) | right
  } while (at >= size)
  return at
}

/** As many bits as a half has. */
function roundOf(right: bigint, round: bigint, half: bigint, label: string, { digest }: MaskContext): bigint {
  let bits = 0n
  for (let part = 0; BigInt(part) * 256n < half; part++) bits = (bits << 256n) | BigInt(`0x${digest(`${label}\n${round}.${part}\n${right}`).toString('hex')}`)
  return bits
}
