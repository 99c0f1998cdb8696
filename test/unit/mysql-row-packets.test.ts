import { EventEmitter } from 'node:events'
import { setImmediate as tick } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { MysqlCommand } from '../../adapters/sql/mysql/connections.ts'
import { takeRowPackets } from '../../adapters/sql/mysql/row-packets.ts'

/** Stand-in for a statement of mysql2: notes the packets that it is left to deal with. */
class Statement extends EventEmitter {
  readonly left: string[] = []
  execute(packet: { buffer: Uint8Array; start: number; end: number } | undefined): boolean {
    this.left.push(packet === undefined ? 'none' : Buffer.from(packet.buffer.subarray(packet.start + 4, packet.end)).toString('latin1'))
    return false
  }
}

const packet = (payload: string): Buffer => Buffer.concat([Buffer.from([payload.length, 0, 0, 0]), Buffer.from(payload, 'latin1')])
const EOF = '\xfe\0\0\0\0'

function reading() {
  const statement = new Statement()
  const taken: { rows: string; alone: number }[] = []
  takeRowPackets(statement as unknown as MysqlCommand, (rows, alone) => taken.push({ rows: Buffer.from(rows).toString('latin1'), alone }))
  /** What one read of the socket brought. */
  const read = (...payloads: string[]) => {
    const parts = payloads.map(packet)
    const buffer = Buffer.concat(parts)
    let start = 0
    for (const { length } of parts) {
      statement.execute({ buffer, start, end: start + length })
      start += length
    }
  }
  const begin = () => {
    read('\x01', 'column')
    statement.emit('fields')
    read(EOF)
  }
  return { statement, taken, read, begin }
}

describe('the packets of a statement', () => {
  it('are taken when they are rows, all of one read at once, and left when they are not', async () => {
    const { statement, taken, read, begin } = reading()
    begin()
    read('\x01a', '\x01b')
    expect(taken).toEqual([])
    await tick()
    read('\x01c', EOF)
    expect(taken).toEqual([
      { rows: '\x02\0\0\0\x01a\x02\0\0\0\x01b', alone: 0 },
      { rows: '\x02\0\0\0\x01c', alone: 0 },
    ])
    expect(statement.left).toEqual(['\x01', 'column', EOF, EOF])
  })

  it('that the driver put together are taken by their length, since they have no header', async () => {
    const { statement, taken, begin } = reading()
    begin()
    statement.execute({ buffer: Buffer.from('????\x03abc'), start: 0, end: 8 })
    await tick()
    expect(taken).toEqual([{ rows: '????\x03abc', alone: 4 }])
  })

  it('are rows when they begin as an end does, but are longer', async () => {
    const { statement, taken, read, begin } = reading()
    begin()
    read(`\xfe${'x'.repeat(8)}`, '\xffgone')
    expect(taken).toHaveLength(1)
    expect(statement.left.at(-1)).toBe('\xffgone')
  })

  it('can only be those of mysql2', () => {
    expect(() => takeRowPackets(new EventEmitter() as unknown as MysqlCommand, () => {})).toThrow(expect.objectContaining({ code: 'E_CONFIG' }))
  })
})
