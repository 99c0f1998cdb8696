// Compiled with everything else, never run: what MikroORM 6 declares, in its own types, is taken where that of 7 is.
import { EntitySchema } from 'mikro-orm-6/node_modules/@mikro-orm/core/index.js'
import type { MikroORM as LibsqlMikroORM } from 'mikro-orm-6/node_modules/@mikro-orm/libsql/index.js'
import { defineEntity, type MikroORM as MysqlMikroORM, p } from 'mikro-orm-6/node_modules/@mikro-orm/mysql/index.js'
import type { MikroORM as PostgresMikroORM } from 'mikro-orm-6/node_modules/@mikro-orm/postgresql/index.js'
import { migrateUpAfterBackup, mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import type { Holdfast } from '../../src/index.ts'
import { BackupEntity, definePlan } from '../../src/plan/index.ts'

declare const holdfast: Holdfast
declare const opened: { readonly libsql: LibsqlMikroORM; readonly mysql: MysqlMikroORM; readonly postgres: PostgresMikroORM }

mikroOrmStore(opened.libsql)
mikroOrmStore(opened.mysql)
mikroOrmStore(opened.postgres)
void migrateUpAfterBackup(opened.postgres, holdfast, { plan: 'shop' })

const Tag = defineEntity({ name: 'Tag', properties: { id: p.integer().primary(), label: p.string() } })
class Order {
  id!: number
  note!: string
}
const OrderSchema = new EntitySchema({ class: Order, properties: { id: { type: 'integer', primary: true }, note: { type: 'text' } } })

definePlan({ id: 'shop', description: 'd', entities: [Tag, Order, OrderSchema, BackupEntity.for(Tag)] })
BackupEntity.for(Tag, { ignore: ['label'] })
// @ts-expect-error checked against the type of the schema
BackupEntity.for(Tag, { ignore: ['lable'] })
BackupEntity.for(OrderSchema, { ignore: ['note'] })
// @ts-expect-error checked against the type of the schema
BackupEntity.for(OrderSchema, { ignore: ['note.of'] })
