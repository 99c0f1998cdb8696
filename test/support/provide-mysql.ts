import mysql from 'mysql2'
import { hasMariadb, MARIADBD, startMariadb } from './mariadb-server.ts'
import type { ProvidedServer } from './provide-postgres.ts'

const STANDARD_URL = 'mysql://root@127.0.0.1:3306'
const IMAGE = 'mariadb:11.4'

/**
 * A MariaDB or MySQL server with a user who may do everything: the address in HOLDFAST_TEST_MYSQL_URL, else the one on the standard port, else a container
 * where Docker runs, else the binaries of Debian's `mariadb-server`. The reason as a string when there is none.
 */
export async function provideMysql(): Promise<ProvidedServer | string> {
  const given = process.env.HOLDFAST_TEST_MYSQL_URL
  if (given) {
    const problem = await whyUnusable(given)
    if (problem) throw new Error(`HOLDFAST_TEST_MYSQL_URL is set but cannot be used: ${problem}`)
    return { url: given, how: 'HOLDFAST_TEST_MYSQL_URL', stop: async () => {} }
  }
  if ((await whyUnusable(STANDARD_URL)) === null) return { url: STANDARD_URL, how: 'the server on 127.0.0.1:3306', stop: async () => {} }
  return (await startContainer()) ?? (await startBinaries()) ?? `no server on 127.0.0.1:3306, no Docker, and no ${MARIADBD}`
}

/** Which of the two it is. */
export async function flavourOf(url: string): Promise<'mariadb' | 'mysql'> {
  const connection = mysql.createConnection({ uri: url })
  try {
    const version = await new Promise<string>((resolve, reject) =>
      connection.query('SELECT VERSION() AS version', (error, rows) => (error ? reject(error) : resolve((rows as { version: string }[])[0]!.version))),
    )
    return /mariadb/i.test(version) ? 'mariadb' : 'mysql'
  } finally {
    connection.destroy()
  }
}

async function whyUnusable(url: string): Promise<string | null> {
  const connection = mysql.createConnection({ uri: url, connectTimeout: 3000 })
  try {
    await new Promise<void>((resolve, reject) => {
      connection.on('error', reject)
      connection.query('CREATE TEMPORARY TABLE mysql.holdfast_probe (a int)', (error) =>
        error && (error as { errno?: number }).errno !== 1050 ? reject(error) : resolve(),
      )
    })
    return null
  } catch (error) {
    return String(error)
  } finally {
    connection.destroy()
  }
}

async function startContainer(): Promise<ProvidedServer | null> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers')
  try {
    await getContainerRuntimeClient()
  } catch {
    return null // no Docker here; the binaries are next
  }
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({ MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: '1', MARIADB_ROOT_HOST: '%' })
    .withExposedPorts(3306)
    .withWaitStrategy(Wait.forLogMessage(/ready for connections.*\n[\s\S]*port: 3306/, 1))
    .start()
  return {
    url: `mysql://root@${container.getHost()}:${container.getMappedPort(3306)}`,
    how: `a container of ${IMAGE}`,
    stop: async () => void (await container.stop()),
  }
}

async function startBinaries(): Promise<ProvidedServer | null> {
  if (!hasMariadb) return null
  const server = await startMariadb()
  const problem = await whyUnusable(server.url)
  if (problem === null) return { url: server.url, how: MARIADBD, stop: () => server.stop() }
  await server.stop()
  throw new Error(`${MARIADBD} is there but cannot be used: ${problem}`)
}
