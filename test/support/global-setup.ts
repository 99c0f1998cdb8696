import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NOT_RUN_FILE, notRun } from './not-run.ts'
import { flavourOf, provideMysql } from './provide-mysql.ts'
import { providePostgres } from './provide-postgres.ts'

/** Finds or starts the real components once, before any test file, and stops what it started. */
export default async function setup(): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
  process.env[NOT_RUN_FILE] = join(directory, 'not-run.ndjson')
  const postgres = await providePostgres()
  process.env.HOLDFAST_TEST_POSTGRES_URL = postgres.url
  console.log(`PostgreSQL for the tests: ${postgres.how}`)
  const mysql = await provideMysql()
  if (typeof mysql === 'string') notRun('MySQL and MariaDB', mysql)
  else {
    process.env.HOLDFAST_TEST_MYSQL_URL = mysql.url
    const flavour = await flavourOf(mysql.url)
    process.env.HOLDFAST_TEST_MYSQL_FLAVOUR = flavour
    console.log(`${flavour === 'mysql' ? 'MySQL' : 'MariaDB'} for the tests: ${mysql.how}`)
    if (flavour === 'mariadb')
      notRun('MySQL proper', 'the server is MariaDB; give the address of a MySQL 8 or 9 in HOLDFAST_TEST_MYSQL_URL', { required: false })
  }
  return async () => {
    await postgres.stop()
    if (typeof mysql !== 'string') await mysql.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}
