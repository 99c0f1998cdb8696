import { MikroORM } from '@mikro-orm/libsql'
import { type BackupRegistrar, createHoldfast, definePlan } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { mikroOrmStore } from 'holdfast/mikro-orm'
import { Author, Book, Tag } from './entities.js'

/** A module of the application brings its own plan along. */
const library: BackupRegistrar = {
  moduleName: 'library',
  describe: () => 'Authors and books; lost ones can not be had again',
  register(registry) {
    registry.register(definePlan({ id: 'library', description: 'Authors, books and tags', entities: [Author, Book, Tag] }))
  },
}

const orm = await MikroORM.init({ dbName: process.env.LIBRARY_DATABASE ?? 'library.sqlite', entities: [Author, Book, Tag] })
await orm.schema.update()
const em = orm.em.fork()
const tag = em.create(Tag, { id: 1, label: 'poetry' })
const author = em.create(Author, { id: 1, name: 'Karel Hynek Mácha' })
em.create(Book, { id: 1, title: 'Máj', author, tags: [tag] })
await em.flush()

const holdfast = await createHoldfast({
  stores: [mikroOrmStore(orm)],
  storage: fsStorage({ root: process.env.LIBRARY_BACKUPS ?? './backups' }),
  registrars: [library],
})

// Pause and go on: the token works in any process, and what was copied before is checked again.
const session = await holdfast.backups.start('library')
const token = await session.pause()
const backup = await (await holdfast.backups.resume(token)).result()
console.log(`snapshot ${backup.snapshotId}: ${backup.totals.rows} records of ${backup.totals.entities} entities`)

await orm.em.fork().nativeDelete(Book, {})
const { totals } = await holdfast.restores.restore({ snapshot: backup.snapshotId })
console.log(`${totals.create} records are back, ${totals.identical} were still there`)

await holdfast.close()
await orm.close()
