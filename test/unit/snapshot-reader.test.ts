import { describe, expect, it } from 'vitest'
import { createSnapshotReader, type SnapshotReader } from '../../src/compare/index.ts'
import { entityKeyText } from '../../src/compare/entity-key.ts'
import { createNester } from '../../src/compare/nest-record.ts'
import { valueOrder } from '../../src/compare/value-order.ts'
import { compileWhere } from '../../src/compare/where.ts'
import type { FieldDescriptor, FieldType } from '../../src/contracts/index.ts'
import { compareRig } from '../support/compare-rig.ts'
import { shopStore } from '../support/shop-store.ts'

const field = (type: FieldType, dbType: string = type.kind, path = 'f'): FieldDescriptor => ({
  path,
  column: path,
  type,
  dbType,
  nullable: true,
  optional: false,
})

async function reader(orders: number, chunkBytes = 2048) {
  const store = shopStore(orders)
  const rig = compareRig(store, { chunkBytes })
  const snapshot = await rig.openSnapshot(await rig.take('full'))
  const read: SnapshotReader = createSnapshotReader(snapshot, (name) => snapshot.manifest.entities.find(({ descriptor }) => descriptor.name === name) ?? null)
  return { store, rig, read }
}

async function all<T>(records: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const record of records) found.push(record)
  return found
}

describe('reading a snapshot by entity', () => {
  it('streams every record, in key order, as it was', async () => {
    const { store, read } = await reader(120)
    expect(await all(read.stream('Order'))).toEqual(store.rows('Order'))
    expect(await all(read.stream('OrderLine'))).toEqual(store.rows('OrderLine'))
    expect(await all(read.stream('Nothing'))).toEqual([])
  })

  it('gives chosen fields of the records that meet all conditions', async () => {
    const { read } = await reader(100)
    const where = { id: { gte: 10, lt: 30 }, customer: 3 }
    expect(await all(read.stream('Order', { where, fields: ['id'] }))).toEqual([{ id: 17 }, { id: 24 }])
    expect(await all(read.stream('Order', { where: { customer: { in: [null, 6] }, id: { lte: '6' } }, fields: ['id'] }))).toEqual([
      { id: 0 },
      { id: 5 },
      { id: 6 },
    ])
    expect(await all(read.stream('Order', { where: { customer: null, id: { lt: 6n } } }))).toHaveLength(2)
  })

  it('stops reading when the consumer does, and when it is aborted', async () => {
    const { rig, read } = await reader(400)
    rig.meter.reset()
    for await (const _ of read.stream('Order')) break
    expect(rig.meter.chunkReads).toBe(1)
    await expect(all(read.stream('Order', { signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  it('leaves out chunks without the foreign key that is asked for', async () => {
    const { rig, read, store } = await reader(9000, 64 * 1024)
    expect(await all(read.stream('Order', { where: { customer: 3 } }))).toEqual(store.rows('Order').filter(({ customer }) => customer === 3))
    rig.meter.reset()
    expect(await all(read.stream('Order', { where: { customer: 77 } }))).toEqual([])
    expect(rig.meter.reads.filter((name) => name.endsWith('.hfc'))).toEqual([])
  })

  it('finds one record by its key in two reads, where the order of keys is known', async () => {
    const { rig, read } = await reader(600)
    rig.meter.reset()
    expect(await read.findOne('Order', 417)).toEqual({ id: 417, customer: 4, note: 'order 417' })
    expect(rig.meter.chunkReads).toBe(2)
    expect(await read.findOne('Order', '11', { fields: ['note'] })).toEqual({ note: 'order 11' })
    rig.meter.reset()
    expect(await read.findOne('Order', 100_000)).toBeNull()
    expect(rig.meter.chunkReads).toBeLessThanOrEqual(1)
  })

  it('finds every record whatever the order of its keys', async () => {
    const { rig, read, store } = await reader(150, 1024)
    for (const row of store.rows('OrderLine')) expect(await read.findOne('OrderLine', [String(row.region), Number(row.no)])).toEqual(row)
    expect(await read.findOne('OrderLine', { no: 3, region: 'nowhere' })).toBeNull()
    rig.meter.reset()
    expect(await read.findOne('OrderLine', { region: 'nowhere', no: 4 })).toBeNull()
    expect(rig.meter.chunkReads).toBe(0)
  })

  it('refuses what it does not know, with the names that it does', async () => {
    const { read } = await reader(3)
    await expect(all(read.stream('Ordre'))).rejects.toMatchObject({ code: 'E_ENTITY_UNKNOWN' })
    await expect(all(read.stream('Order', { where: { nte: 1 } }))).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('did you mean "note"'),
    })
    await expect(all(read.stream('Order', { fields: ['x'] }))).rejects.toMatchObject({ code: 'E_CONFIG' })
    await expect(all(read.stream('Order', { fields: [] }))).rejects.toMatchObject({ code: 'E_CONFIG' })
    await expect(all(read.stream('Order', { where: { id: {} as never } }))).rejects.toMatchObject({ code: 'E_CONFIG' })
    await expect(read.findOne('Order', [1, 2])).rejects.toMatchObject({ code: 'E_CONFIG' })
    await expect(read.findOne('Order', 'x')).rejects.toMatchObject({ code: 'E_CONFIG' })
    await expect(read.findOne('OrderLine', 'x')).rejects.toMatchObject({ code: 'E_CONFIG' })
    await expect(read.findOne('OrderLine', { region: 'b', nr: 1 })).rejects.toMatchObject({ code: 'E_CONFIG' })
  })
})

describe('values of records', () => {
  it('are nested by path, a NULL foreign key null as a whole', () => {
    const nest = createNester({ references: [{ fields: ['customer.id'], table: 'c', columns: ['id'] }] }, [
      'id',
      'customer.id',
      'address.city',
      'address.geo.lat',
      '__proto__',
    ])
    const record = nest([1, null, null, 2, 'p'])
    expect(JSON.stringify(record)).toBe('{"id":1,"customer":null,"address":{"city":null,"geo":{"lat":2}},"__proto__":"p"}')
    expect(nest([1, 5, 'x', null, null])).toMatchObject({ customer: { id: 5 }, address: { city: 'x', geo: { lat: null } } })
  })

  it.each([
    [{ kind: 'bigint' }, '9007199254740993', 9007199254740992n, 1],
    [{ kind: 'decimal' }, '1.50', '1.5', 0],
    [{ kind: 'decimal' }, '-10.05', -10.1, 1],
    [{ kind: 'float' }, 1e21, '1e21', 0],
    [{ kind: 'timestamp' }, '2026-11-21T10:00:00.000001+01', new Date('2026-11-21T09:00:00Z'), 1],
    [{ kind: 'timestamp' }, '2026-11-21T10:00:00', '2026-11-21T12:00:00+02:00', 0],
    [{ kind: 'timestamp' }, 'infinity', new Date(), 1],
    [{ kind: 'timestamp' }, '-infinity', '0044-03-15T01:02:03 BC', -1],
    [{ kind: 'timestamp' }, '0044-03-15T01:02:03 BC', new Date('0001-01-01T00:00:00Z'), -1],
    [{ kind: 'timestamp' }, '12026-01-01T00:00:00', '2026-01-01', 1],
    [{ kind: 'timestamp' }, '0000-00-00T00:00:00', '1000-01-01', -1],
    [{ kind: 'timestamp' }, '1890-01-01T00:53:28+00:53:28', '1890-01-01', 0],
    [{ kind: 'float' }, 'NaN', 'Infinity', 1],
    [{ kind: 'decimal' }, '-Infinity', '-1e300', -1],
    [{ kind: 'bytes' }, '+w==', new Uint8Array([0x41]), 1],
    [{ kind: 'text' }, 'b', 'a', 1],
    [{ kind: 'boolean' }, true, false, 1],
    [{ kind: 'bytes' }, 'AQI=', new Uint8Array([1, 2]), 0],
    [{ kind: 'dynamic', affinity: 'integer' }, 1, true, 0],
    [{ kind: 'dynamic', affinity: 'numeric' }, '2026-11-21 10:00:00.000', new Date('2026-11-21T10:00:00Z'), 0, 'datetime'],
    [{ kind: 'dynamic', affinity: 'numeric' }, 1_795_255_200_000, '2026-11-21T10:00:00Z', 0, 'datetime'],
    [{ kind: 'dynamic', affinity: 'numeric' }, 'some day', '2026-11-21T10:00:00Z', null, 'datetime'],
    [{ kind: 'dynamic', affinity: 'integer' }, '9007199254740993', 9007199254740993n, 0],
    [{ kind: 'dynamic', affinity: 'integer' }, '1000000000000000000', '999999999999999999', 1],
    [{ kind: 'dynamic', affinity: 'integer' }, { text: '12' }, 13, -1, 'integer'],
    [{ kind: 'dynamic', affinity: 'numeric' }, { integer: '9007199254740993' }, '9007199254740992', 1, 'decimal'],
    [{ kind: 'dynamic', affinity: 'numeric' }, '2f', '2f', 0, 'uuid'],
    [{ kind: 'dynamic', affinity: 'numeric' }, 2, '2', 0, 'uuid'],
    [{ kind: 'dynamic', affinity: 'text' }, { blob: 'AQI=' }, new Uint8Array([1, 3]), -1],
    [{ kind: 'text' }, '[2026-01-01,2026-02-01)', '[2026-01-01,2026-02-01)', 0, 'daterange'],
    [{ kind: 'text' }, 'exact', 'exact', 0, 'date_precision'],
    [{ kind: 'text' }, '2026-11-21', '2026-11-21T00:00:00Z', 0, 'date'],
    [{ kind: 'text' }, '2026-11-21 10:00:00.000000', '2026-11-21T10:00:00Z', 0, 'datetime(6)'],
    [{ kind: 'text' }, '2026-11-21 10:00:00', '2026-11-21T10:00:00Z', 0, 'TIMESTAMP WITH TIME ZONE'],
    [{ kind: 'text' }, '2026-11-21 10:00:00', '2026-11-21T10:00:00Z', 0, 'timestamptz'],
  ] as const)('%o: %s stands to %s as it should', (type, value, operand, expected, dbType: string = type.kind) => {
    const order = valueOrder(field(type, dbType), operand)!(value)
    expect(order === null ? null : Math.sign(order)).toBe(expected)
  })

  it('cannot be compared across kinds, nor as documents', () => {
    const descriptor = { name: 'E', fields: [field({ kind: 'jsonb' }, 'jsonb', 'doc'), field({ kind: 'bytes' }, 'bytea', 'b')] } as never
    expect(() => compileWhere(descriptor, { doc: 'x' })).toThrowError(expect.objectContaining({ code: 'E_CONFIG' }))
    expect(() => compileWhere(descriptor, { b: 5 })).toThrowError(expect.objectContaining({ code: 'E_CONFIG' }))
    // A date where no time is stored would be compared as one thing when read, and as another once a plan has kept it.
    expect(valueOrder(field({ kind: 'dynamic', affinity: 'integer' }, 'integer'), new Date())).toBeNull()
    expect(valueOrder(field({ kind: 'text' }, 'character varying'), new Date())).toBeNull()
  })

  it('make keys as the records have them', () => {
    const key = (type: FieldType, value: never, dbType?: string) => entityKeyText({ name: 'E', key: ['f'], fields: [field(type, dbType)] } as never, value)
    expect(key({ kind: 'bigint' }, 5 as never)).toBe('["5"]')
    expect(key({ kind: 'text' }, 'ABCDEF00-0000-7000-8000-000000000000' as never, 'uuid')).toBe('["abcdef00-0000-7000-8000-000000000000"]')
    expect(key({ kind: 'text' }, 'é"\n' as never)).toBe('["é\\"\\n"]')
    expect(key({ kind: 'dynamic', affinity: 'integer' }, 9007199254740993n as never)).toBe('["9007199254740993"]')
    expect(key({ kind: 'dynamic', affinity: 'numeric' }, '12' as never)).toBe('["12"]')
    expect(key({ kind: 'dynamic', affinity: 'numeric' }, 12 as never)).toBe('[12]')
    expect(key({ kind: 'dynamic', affinity: 'text' }, 'a' as never)).toBe('["a"]')
    expect(key({ kind: 'dynamic', affinity: 'text' }, 5 as never)).toBe('["5"]')
    expect(key({ kind: 'bytes' }, new Uint8Array([1, 2]) as never)).toBe('["AQI="]')
    expect(() => key({ kind: 'timestamp' }, new Date() as never)).toThrowError(expect.objectContaining({ code: 'E_CONFIG' }))
  })
})
