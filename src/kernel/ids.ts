import { randomFillSync } from 'node:crypto'

const bytes = Buffer.alloc(16)
let lastMs = 0
let counter = 0

/**
 * A UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, then a 12-bit counter that makes ids of one process
 * strictly increasing, then 62 random bits. Snapshot and session ids are of this kind, so names sort by time.
 */
export function uuidv7(now: number = Date.now()): string {
  if (now > lastMs) {
    lastMs = now
    counter = 0
  } else if (++counter > 0xfff) {
    lastMs++
    counter = 0
  }
  randomFillSync(bytes)
  bytes.writeUIntBE(lastMs, 0, 6)
  bytes[6] = 0x70 | (counter >> 8)
  bytes[7] = counter & 0xff
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The id right behind another: of its millisecond and counter, so that it stands in its place among all others, and always the same. */
export function successorOf(id: string): string {
  const tail = (BigInt(`0x${id.slice(19).replace('-', '')}`) + 1n) & 0x3fff_ffff_ffff_ffffn
  const hex = (tail | 0x8000_0000_0000_0000n).toString(16)
  return `${id.slice(0, 19)}${hex.slice(0, 4)}-${hex.slice(4)}`
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isUuid(text: string): boolean {
  return UUID.test(text)
}
