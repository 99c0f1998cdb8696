import 'reflect-metadata'
import { EntitySchema as MikroSchema } from '@mikro-orm/core'
import libsql from 'libsql'
import { DataSource, type EntitySchemaColumnOptions, EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import type { EntityStore } from '../../src/contracts/index.ts'
import { mikroOrm7 } from './mikro-orm/mikro-orm-7.ts'
import { mysqlUrl } from './mysql.ts'

export type TestDialect = 'postgres' | 'mysql' | 'sqlite'
export type TestOrm = 'TypeORM' | 'MikroORM'

/** A property: a scalar of a type that all databases know, or a reference to another entity's `id`. The column has the property's name unless it says otherwise. */
export interface DeclaredProperty {
  readonly type?: 'integer' | 'text' | 'varchar' | 'decimal'
  readonly column?: string
  readonly nullable?: boolean
  /** Name of the entity that it refers to. */
  readonly of?: string
}

/** An entity under a key `id`, as either ORM would declare it. */
export interface DeclaredEntity {
  readonly name: string
  readonly table: string
  readonly properties: Readonly<Record<string, DeclaredProperty>>
}

/** A step of the schema, as either ORM would run it: by its own migrations, and noted in its own table. */
export interface DeclaredMigration {
  /** Ends in a time of 13 digits, as TypeORM has it. */
  readonly name: string
  readonly up: readonly string[]
}

export interface DeclaredStore {
  readonly store: EntityStore
  /** What a plan takes: the names. */
  readonly names: readonly string[]
  close(): Promise<unknown>
}

/** MariaDB where there is one. */
export const DIALECTS: readonly TestDialect[] = (['postgres', 'mysql', 'sqlite'] as const).filter((dialect) => dialect !== 'mysql' || mysqlUrl() !== null)

/** Every database with both ORMs. */
export const PLACES: readonly (readonly [TestOrm, TestDialect])[] = DIALECTS.flatMap((dialect) => [
  ['TypeORM', dialect] as const,
  ['MikroORM', dialect] as const,
])

/** Tables as one of the ORMs maps them. They are there already, or made by migrations: those that were not run yet are run first. */
export async function openDeclared(
  orm: TestOrm,
  dialect: TestDialect,
  location: string,
  entities: readonly DeclaredEntity[],
  name = 'default',
  migrations: readonly DeclaredMigration[] = [],
): Promise<DeclaredStore> {
  const names = entities.map((entity) => entity.name)
  if (orm === 'TypeORM') {
    const options = { entities: entities.map((entity) => typeormSchema(entity, dialect)), migrations: migrations.map(typeormMigration) }
    const dataSource = new DataSource(
      dialect === 'sqlite'
        ? { type: 'better-sqlite3', driver: libsql, database: location, ...options }
        : { type: dialect === 'postgres' ? 'postgres' : 'mariadb', url: location, ...options },
    )
    await dataSource.initialize()
    await dataSource.runMigrations()
    return { store: typeormStore(dataSource, { name }), names, close: () => dataSource.destroy() }
  }
  const known = new Map<string, MikroSchema>()
  for (const entity of entities) known.set(entity.name, mikroSchema(entity, known))
  const options = { entities: [...known.values()], ...(migrations.length > 0 ? await mikroMigrations(migrations) : {}) }
  const made = await mikroOrm7.open(dialect, location, options)
  if (migrations.length > 0) await made.migrator.up()
  return { store: mikroOrmStore(made, { name }), names, close: () => made.close() }
}

function typeormMigration({ name, up }: DeclaredMigration) {
  // The name is read of the instance; the class stands for it where TypeORM sorts.
  return Object.defineProperty(
    class implements MigrationInterface {
      name = name
      async up(runner: QueryRunner) {
        for (const sql of up) await runner.query(sql)
      }
      async down() {}
    },
    'name',
    { value: name },
  )
}

async function mikroMigrations(migrations: readonly DeclaredMigration[]): Promise<object> {
  const { Migration, Migrator } = await mikroOrm7.migrations()
  return {
    extensions: [Migrator],
    migrations: {
      snapshot: false,
      silent: true,
      migrationsList: migrations.map(({ name, up }) => ({
        name,
        class: class extends Migration {
          up() {
            for (const sql of up) this.addSql(sql)
          }
        },
      })),
    },
  }
}

function typeormSchema({ name, table, properties }: DeclaredEntity, dialect: TestDialect): EntitySchema {
  const columns: Record<string, EntitySchemaColumnOptions> = { id: { type: dialect === 'mysql' ? 'int' : 'integer', primary: true } }
  const relations: ConstructorParameters<typeof EntitySchema>[0]['relations'] = {}
  for (const [property, { type = 'text', column = property, nullable = false, of }] of Object.entries(properties)) {
    if (of === undefined) columns[property] = { type, name: column, nullable }
    else Object.assign(relations, { [property]: { type: 'many-to-one', target: of, nullable, joinColumn: { name: column } } })
  }
  return new EntitySchema({ name, tableName: table, columns, relations })
}

function mikroSchema({ name, table, properties }: DeclaredEntity, known: ReadonlyMap<string, MikroSchema>): MikroSchema {
  const members: Record<string, object> = { id: { type: 'integer', primary: true } }
  for (const [property, { type = 'text', column = property, nullable = false, of }] of Object.entries(properties)) {
    members[property] = of === undefined ? { type, fieldName: column, nullable } : { kind: 'm:1', entity: () => known.get(of)!, fieldName: column, nullable }
  }
  return new MikroSchema({ name, tableName: table, properties: members as never })
}
