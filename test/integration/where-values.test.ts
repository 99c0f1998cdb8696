import { join } from 'node:path'
import { Between, Equal, In, IsNull, LessThanOrEqual, Like, MoreThan } from 'typeorm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast, pick } from '../../src/index.ts'
import { type EventRow, openEvents } from '../fixtures/events/events.ts'
import { collect } from '../support/collect.ts'
import { failure } from '../support/failure.ts'
import { createMysqlDatabase } from '../support/mysql.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { STORY_PLACES } from '../support/story.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const event = (id: string, at: string, day: string, total: string, paid: boolean, kind: string, note: string | null): EventRow => ({
  id,
  at: new Date(at),
  day,
  total,
  paid,
  kind,
  note,
  doc: { kind },
})

const ROWS = [
  event('1', '2026-01-01T08:00:00.000Z', '2026-01-01', '1.50', true, 'a', null),
  event('9007199254740993', '2026-01-01T20:00:00.500Z', '2026-01-02', '10.00', false, 'b', ''),
  event('9007199254740992', '2026-01-02T00:00:00.000Z', '2025-12-31', '100.00', false, 'a', 'null'),
  event('999999999999999999', '1969-12-31T23:59:59.250Z', '1969-12-31', '-3.25', true, 'b', 'Ä'),
  event('1000000000000000000', '2025-06-01T00:00:00.000Z', '2025-06-01', '0.00', true, 'A', 'x'),
]

/** Condition → the rows that hold it, by their place. */
const CASES: readonly (readonly [name: string, where: Record<string, unknown>, rows: readonly number[]])[] = [
  ['an integer as text, beyond what a number holds', { id: '9007199254740993' }, [1]],
  ['a bigint', { id: 9007199254740993n }, [1]],
  ['bounds between numbers of different lengths', { id: { gt: 9007199254740993n, lte: '1000000000000000000' } }, [3, 4]],
  ['bounds as text', { id: { gt: '999999999999999999' } }, [4]],
  ['several bigints', { id: { in: ['1', 1000000000000000000n] } }, [0, 4]],
  ['an instant', { at: new Date('2026-01-01T20:00:00.500Z') }, [1]],
  ['an instant as text', { at: '2026-01-01T20:00:00.5Z' }, [1]],
  ['an instant as text of another zone', { at: '2026-01-01T21:00:00.500+01:00' }, [1]],
  ['a time span of dates', { at: { gte: new Date('2026-01-01T08:00:00Z'), lt: new Date('2026-01-02T00:00:00Z') } }, [0, 1]],
  ['a time span of texts', { at: { gte: '2026-01-01T08:00:00Z', lt: '2026-01-02T00:00:00Z' } }, [0, 1]],
  ['a time span of days', { at: { gte: '2026-01-01', lt: '2026-01-02' } }, [0, 1]],
  ['an instant before 1970', { at: { lt: '1969-12-31T23:59:59.5Z' } }, [3]],
  ['one of several instants', { at: { in: [new Date('2025-06-01T00:00:00Z'), '2026-01-02 00:00:00'] } }, [2, 4]],
  ['a day', { day: '2026-01-02' }, [1]],
  ['a day as an instant', { day: new Date('2026-01-02T00:00:00Z') }, [1]],
  ['days from', { day: { gte: '2026-01-01' } }, [0, 1]],
  ['days before an instant', { day: { lt: new Date('2025-06-01T12:00:00Z') } }, [3, 4]],
  ['a decimal, whatever its scale', { total: '1.5' }, [0]],
  ['a decimal as a number', { total: 1.5 }, [0]],
  ['decimals within bounds, not as text', { total: { gte: 2, lt: '100' } }, [1]],
  ['decimals below zero', { total: { lt: 0 } }, [3]],
  ['true', { paid: true }, [0, 3, 4]],
  ['false', { paid: false }, [1, 2]],
  ['text as it is, in its case', { kind: 'a' }, [0, 2]],
  ['null', { note: null }, [0]],
  ['the empty text, which is not null', { note: '' }, [1]],
  ['the text null, which is not null', { note: 'null' }, [2]],
  ['null or a text', { note: { in: [null, 'Ä'] } }, [0, 3]],
  ['several at once', { kind: { in: ['a', 'b'] }, paid: false, total: { lt: 50 } }, [1]],
]

/** As the ORMs' own `where` has it. */
const OF_ORMS: readonly (readonly [name: string, where: Record<string, unknown>, rows: readonly number[]])[] = [
  ['$eq', { kind: { $eq: 'b' } }, [1, 3]],
  ['$in', { kind: { $in: ['b', 'A'] } }, [1, 3, 4]],
  ['$gte and $lt', { total: { $gte: 0, $lt: 10 } }, [0, 4]],
  ['Equal', { kind: Equal('b') }, [1, 3]],
  ['In', { id: In(['1', 9007199254740993n]) }, [0, 1]],
  ['IsNull', { note: IsNull() }, [0]],
  ['MoreThan', { at: MoreThan(new Date('2026-01-01T08:00:00Z')) }, [1, 2]],
  ['LessThanOrEqual', { at: LessThanOrEqual(new Date('2025-06-01T00:00:00Z')) }, [3, 4]],
  ['Between', { day: Between('2025-12-31', '2026-01-01') }, [0, 2]],
]

/** Conditions of which nothing could be said but a wrong answer. */
const REFUSED: readonly (readonly [name: string, where: Record<string, unknown>])[] = [
  ['undefined, which would mean all rows', { kind: undefined }],
  ['a number that is another integer by now', { id: 2 ** 53 }],
  ['such a number as a bound', { id: { gt: 2 ** 60 } }],
  ['no number', { total: Number.NaN }],
  ['an endless bound', { total: { lt: Number.POSITIVE_INFINITY } }],
  ['a date that is none', { at: new Date('never') }],
  ['a text that is no instant', { at: { gte: 'yesterday' } }],
  ['a day that is none', { day: { lt: '2026-13-01' } }],
  ['no bound at all', { at: {} }],
  ['a bound that is null', { at: { gte: null } }],
  ['an unknown property', { ta: 1 }],
  ['an unknown operator', { at: { above: 1 } }],
  ['no value of the type', { paid: 'yes' }],
  ['no number for a number', { total: 'much' }],
  ['an operator of TypeORM that is none here', { kind: Like('a%') }],
  ['an operator of MikroORM that is none here', { kind: { $like: 'a%' } }],
  ['half of one', { total: Between(1, undefined as never) }],
  ['alternatives', { $or: [{ kind: 'a' }] }],
  ['something below a value', { kind: { name: 'a' } }],
]

describe.each(STORY_PLACES)('conditions on what $orm stores in $dialect', (place) => {
  const folder = temporaryFolder()
  let holdfast: Holdfast
  let entity: string
  let snapshot: string
  let close: () => Promise<void>

  beforeAll(async () => {
    const database = place.dialect === 'sqlite' ? null : await (place.dialect === 'postgres' ? createTestDatabase() : createMysqlDatabase())
    const events = await openEvents(place, database?.url ?? join(folder.path, 'events.db'), ROWS)
    entity = 'Event'
    holdfast = await createHoldfast({
      stores: [events.store],
      storage: memoryStorage(),
      plans: [definePlan({ id: 'events', description: 'd', entities: [events.entity] })],
    })
    snapshot = (await holdfast.backups.run('events')).snapshotId
    close = async () => {
      await holdfast.close()
      await events.close()
      await database?.drop()
    }
  })
  afterAll(async () => {
    await close?.()
    folder.remove()
  })

  it.each([...CASES, ...OF_ORMS])('%s', async (_name, where, rows) => {
    const expected = rows.map((at) => ROWS[at]!.id).toSorted()
    const reader = await holdfast.discovery.open(snapshot)
    const read = await collect(reader.stream(entity, { where: where as never, fields: ['id'] }))
    expect(read.map((record) => String((record as { id: unknown }).id)).toSorted()).toEqual(expected)
    // The same conditions of a plan, which is kept as JSON and run again.
    const plan = await holdfast.restores.plan({ snapshot, select: [pick(entity, { where: where as never })] })
    expect(plan.totals.identical).toBe(expected.length)
    const related = await holdfast.restores.restore({ snapshot, select: [pick(entity, { where: where as never })], related: {}, dryRun: true })
    expect(related.totals.records).toBe(expected.length)
  })

  it.each(REFUSED)('refuses %s', async (_name, where) => {
    const reader = await holdfast.discovery.open(snapshot)
    expect((await failure(collect(reader.stream(entity, { where: where as never })), 'E_CONFIG')).hint).toBeTruthy()
    await failure(holdfast.restores.restore({ snapshot, select: [pick(entity, { where: where as never })], dryRun: true }), 'E_CONFIG')
  })
})
