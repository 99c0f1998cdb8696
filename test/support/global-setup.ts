import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NOT_RUN_FILE } from './not-run.ts'
import { providePostgres } from './provide-postgres.ts'

/** Finds or starts the real components once, before any test file, and stops what it started. */
export default async function setup(): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
  process.env[NOT_RUN_FILE] = join(directory, 'not-run.ndjson')
  const postgres = await providePostgres()
  process.env.HOLDFAST_TEST_POSTGRES_URL = postgres.url
  console.log(`PostgreSQL for the tests: ${postgres.how}`)
  return async () => {
    await postgres.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}
