import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { MysqlCommand } from './connections.ts'

/** A packet of the protocol as `mysql2` has it: a span of the socket's memory, its header of four bytes included. */
interface Packet {
  readonly buffer: Uint8Array
  readonly start: number
  readonly end: number
}

/** A running statement as `mysql2` has it: it is given the packets of its answer one by one, and says whether that was the last. */
interface RawCommand extends MysqlCommand {
  execute(this: RawCommand, packet: Packet | undefined, connection: unknown): boolean
}

const HEADER_BYTES = 4
const END = 0xfe
const ERROR = 0xff
/** Longer ones that begin with `END` are rows: of a first value of 16 MiB or more. */
const END_BYTES = 9

/**
 * Rows as the server sent them, whole, each behind its header. `alone` is the length of the row when it is the only one: what came in pieces, or in several packets
 * because it is long, was put together by the driver without a header. Else it is 0.
 */
export type TakeRows = (rows: Uint8Array, alone: number) => void

/**
 * Takes the rows of a statement before `mysql2` parses them: as they lie in the memory of the socket, all that one read brought at once. The rest of the answer is its own to deal
 * with. Rows are handed over when the driver is done with what it read, so that pausing the socket then leaves nothing behind in the driver.
 *
 * @throws `E_CONFIG` when the client is none of `mysql2`.
 */
export function takeRowPackets(command: MysqlCommand, take: TakeRows): void {
  if (!isRaw(command)) {
    throw new HoldfastError('E_CONFIG', 'the connections of the pool are not those of mysql2', { hint: 'Rows are read with mysql2, version 3.' })
  }
  const execute = command.execute
  let fields = false
  let rows = false
  let spans: { readonly buffer: Uint8Array; readonly start: number; end: number; readonly alone: boolean }[] = []
  let scheduled = false
  const flush = (): void => {
    scheduled = false
    const taken = spans
    spans = []
    for (const { buffer, start, end, alone } of taken) take(buffer.subarray(start, end), alone ? end - start - HEADER_BYTES : 0)
  }
  command.on('fields', () => {
    fields = true
  })
  command.execute = (packet, connection) => {
    if (!rows || packet === undefined || isLast(packet)) {
      // The packet that ends the columns is the first after they were announced.
      rows = fields
      flush()
      return execute.call(command, packet, connection)
    }
    const { buffer, start, end } = packet
    const last = spans.at(-1)
    if (last?.buffer === buffer && last.end === start) last.end = end
    else spans.push({ buffer, start, end, alone: start === 0 && end === buffer.length })
    if (!scheduled) {
      scheduled = true
      queueMicrotask(flush)
    }
    return false
  }
}

const isRaw = (command: MysqlCommand): command is RawCommand => typeof (command as Partial<RawCommand>).execute === 'function'

function isLast({ buffer, start, end }: Packet): boolean {
  const first = buffer[start + HEADER_BYTES]
  return first === ERROR || (first === END && end - start - HEADER_BYTES < END_BYTES)
}
