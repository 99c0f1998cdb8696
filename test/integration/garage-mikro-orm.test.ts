import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast, pick, type RestoreRequest } from '../../src/index.ts'
import { GARAGE_ROWS, openGarage } from '../fixtures/mappings/mikro-orm-garage.ts'
import { mappingText } from '../fixtures/zoo/mapping-text.ts'
import { collect } from '../support/collect.ts'
import type { DatabaseImage } from '../support/database-image.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { mysqlUrl } from '../support/mysql.ts'

const DIALECTS = (['postgres', 'mysql', 'sqlite'] as const).filter((dialect) => dialect !== 'mysql' || mysqlUrl() !== null)
const GONE = ['labelled', 'film', 'photo', 'label', 'remark', 'bike', 'tipper', 'truck', 'vehicle', 'maker'].map((table) => `DELETE FROM ${table}`)

// A record in several tables, and a reference to one of several entities: what MikroORM 7 can map beside plain tables.
describe.each(DIALECTS)('tables per type and polymorphic references, MikroORM on %s', (dialect) => {
  let database: LiveDatabase
  let garage: Awaited<ReturnType<typeof openGarage>>
  let holdfast: Holdfast
  let snapshot: string
  let whole: DatabaseImage

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    garage = await openGarage(dialect, database.location)
    await database.carelessly(...GARAGE_ROWS)
    whole = await database.image()
    const { Tipper, Bike, Maker, Remark, Label, Photo, Film } = garage.classes
    const plan = definePlan({ id: 'garage', description: 'All', entities: [Tipper, Bike, Maker, Remark, Label, Photo, Film] })
    holdfast = await createHoldfast({ stores: [mikroOrmStore(garage.orm)], storage: memoryStorage(), plans: [plan] })
    ;({ snapshotId: snapshot } = await holdfast.backups.run('garage'))
  })
  afterAll(async () => {
    await holdfast?.close()
    await garage?.orm.close()
    await database.drop()
  })
  beforeEach(async () => {
    await database.carelessly(...GONE, ...GARAGE_ROWS)
    expect(await database.image()).toEqual(whole)
  })
  const restore = (more: Partial<RestoreRequest>) => holdfast.restores.restore({ snapshot, ...more })
  const created = async (more: Partial<RestoreRequest>) =>
    Object.fromEntries(
      (await restore(more)).entities.filter(({ create, update }) => create + update > 0).map(({ entity, create, update }) => [entity, [create, update]]),
    )

  it('are mapped, each column once, with what each row refers to', () => {
    expect(mappingText(mikroOrmStore(garage.orm).mapping)).toMatchInlineSnapshot(`
      "Bike bike [id] gears
        the rest in Vehicle
        id -> Vehicle vehicle(id)
      Film film [id]
      Label label [id]
      Maker maker [id] name
      Photo photo [id]
      Remark remark [id] about.id=about_id about.type=about_type text
        about.id -> Maker maker(id) when about.type is maker
        about.id -> Vehicle vehicle(id) when about.type is vehicle
      Tipper tipper [id] volume
        the rest in Truck
        id -> Truck truck(id)
      Truck truck [id] axles stops
        the rest in Vehicle
        id -> Vehicle vehicle(id)
      Vehicle vehicle [id] maker.id=maker_id name version
        version: version
        maker.id -> Maker maker(id)
      labelled (junction) labelled [labelled_type labelled_id label_id]
        label_id -> Label label(id)
        labelled_id -> Film film(id) when labelled_type is film
        labelled_id -> Photo photo(id) when labelled_type is photo"
    `)
  })

  it('come with the classes above them, although the plan names only the lowest', async () => {
    const { manifest } = await holdfast.discovery.open(snapshot)
    expect(manifest.entities.map(({ descriptor, rows }) => `${descriptor.name} ${rows}`).toSorted()).toEqual(
      ['Bike 1', 'Film 2', 'Label 2', 'Maker 3', 'Photo 2', 'Remark 5', 'Tipper 1', 'Truck 2', 'Vehicle 4', 'labelled 3'].toSorted(),
    )
  })

  it('come back as they were, into empty tables and into half of them', async () => {
    await database.carelessly(...GONE)
    expect((await restore({})).totals).toMatchObject({ create: 25 })
    expect(await database.image()).toEqual(whole)
    await database.carelessly(
      `DELETE FROM tipper`,
      `UPDATE truck SET axles = 9, stops = NULL WHERE id = 1`,
      `UPDATE remark SET about_type = 'maker' WHERE id = 1`,
      `DELETE FROM labelled WHERE labelled_type = 'film'`,
    )
    expect(await created({ policy: 'overwrite' })).toEqual({ Tipper: [1, 0], Truck: [0, 1], Remark: [0, 1], labelled: [2, 0] })
    expect(await database.image()).toEqual(whole)
  })

  it('are compared and read by property, also by where a reference leads', async () => {
    await database.carelessly(`UPDATE remark SET about_type = 'maker' WHERE id = 1`, `UPDATE truck SET axles = 9 WHERE id = 1`)
    const differences = await collect(await holdfast.comparisons.compare({ before: snapshot }))
    expect(differences.map(({ entity, key, fields }) => [entity, key, fields.map(({ field, before, after }) => [field, before, after])])).toEqual(
      expect.arrayContaining([
        ['Remark', '[1]', [['about.type', 'vehicle', 'maker']]],
        ['Truck', '[1]', [['axles', 3, 9]]],
      ]),
    )
    expect(differences).toHaveLength(2)
    const reader = await holdfast.discovery.open(snapshot)
    expect((await collect(reader.stream('Remark', { where: { 'about.type': 'maker', 'about.id': 2 } }))).map(({ id }) => id)).toEqual([4])
    expect(await reader.findOne('Truck', 1)).toMatchObject({ id: 1, axles: 3 })
    expect(await reader.findOne('Remark', 5)).toMatchObject({ id: 5 })
  })

  it('a record comes back whole: what it is above, below, and whom it belongs to', async () => {
    await database.carelessly(...GONE)
    expect(await created({ select: [pick(garage.classes.Truck, { keys: [2] })], related: {} })).toEqual({
      Maker: [1, 0],
      Vehicle: [1, 0],
      Truck: [1, 0],
      Tipper: [1, 0],
    })
    await database.carelessly(`UPDATE vehicle SET name = 'ruined' WHERE id = 2`, `UPDATE maker SET name = 'new' WHERE id = 2`)
    // The row above is part of the truck, the maker is somebody else.
    expect(await created({ select: [pick(garage.classes.Truck, { where: { axles: 4 } })], related: {}, policy: 'overwrite' })).toEqual({ Vehicle: [0, 1] })
  })

  it('a reference is followed to the one entity that it means, from both sides', async () => {
    await database.carelessly(...GONE)
    expect(await created({ select: [pick(garage.classes.Remark, { where: { id: { in: [2, 5] } } })], related: {} })).toEqual({
      Remark: [2, 0],
      Maker: [1, 0],
      Vehicle: [1, 0],
      Truck: [1, 0],
      Tipper: [1, 0],
    })
    await database.carelessly(...GONE)
    expect(await created({ select: [pick(garage.classes.Maker, { keys: [1] })], related: { children: ['Remark'] } })).toEqual({ Maker: [1, 0], Remark: [1, 0] })
    expect(await database.count({ table: 'remark' }, 'id = 3')).toBe(1)
    await database.carelessly(...GONE)
    expect(await created({ select: [pick(garage.classes.Film, { keys: [1] })], related: {} })).toEqual({ Film: [1, 0], Label: [1, 0], labelled: [1, 0] })
    expect(await database.count({ table: 'labelled' }, `labelled_type = 'film' AND labelled_id = 1`)).toBe(1)
  })

  it('an erased record stays away in all its parts, and takes along only what refers to it', async () => {
    await database.carelessly(...GONE)
    await holdfast.erasures.erase(garage.classes.Tipper, 2)
    const { erased } = await restore({})
    expect(Object.fromEntries(erased.map(({ entity, records }) => [entity, records]))).toEqual({ Vehicle: 1, Truck: 1, Tipper: 1, Remark: 1 })
    expect(await database.count({ table: 'remark' }, `about_type = 'maker' AND about_id = 2`)).toBe(1)
  })
})
