import { randomBytes } from 'node:crypto'
import { testPool } from './postgres-lane.ts'
import type { TestDatabase } from './postgres.ts'

export interface TestRole {
  readonly name: string
  /** A pool of connections that act as the role. */
  readonly lane: ReturnType<typeof testPool>
  /** Run it before the database is dropped. */
  drop(): Promise<void>
}

/** A role without any rights but those of PUBLIC. Roles are the server's, so each has a name of its own. */
export async function createTestRole(db: TestDatabase): Promise<TestRole> {
  const name = `holdfast_role_${randomBytes(6).toString('hex')}`
  await db.query(`CREATE ROLE ${name}`)
  const url = new URL(db.url)
  url.searchParams.set('options', `-c role=${name}`)
  const lane = testPool(url.href)
  return {
    name,
    lane,
    async drop() {
      await lane.pool.end()
      await db.query(`DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`)
    },
  }
}
