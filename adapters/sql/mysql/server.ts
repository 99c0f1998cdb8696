import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { MysqlClient } from './connections.ts'
import { queryText } from './query.ts'

/** The server behind a client. */
export interface MysqlServer {
  readonly flavour: 'mariadb' | 'mysql'
  /** `101119` for 10.11.19, `80036` for 8.0.36. */
  readonly version: number
  /** As the server gives it: `10.11.19-MariaDB-0+deb12u1`. */
  readonly versionText: string
  /** The database that unqualified names mean. */
  readonly database: string
  /** The server's own unique id where it has one (MySQL `server_uuid`, MariaDB `server_uid`), with host name, port and `server_id`. */
  readonly systemId: string
  /** Table names that differ in case only mean the same table. */
  readonly foldsTableNames: boolean
  /** `max_allowed_packet`, in bytes: the longest text that an expression gives. */
  readonly longestText: number
  /** `CONNECTION_ID()`. A proxy may have given the client another. */
  readonly connectionId: string
}

const OLDEST = { mariadb: 100500, mysql: 80000 }

/** Products that speak the protocol and call themselves MySQL, without InnoDB's snapshots behind. */
const LOOKALIKE = /tidb|vitess|planetscale|singlestore|memsql|oceanbase|dolt|clickhouse|doris|starrocks|polardb-x|columnstore/i

/**
 * Asks the server who it is.
 *
 * @throws `E_DIALECT` for anything but MariaDB 10.5 or later and MySQL 8 or later; `E_CONFIG` when the connection has chosen no database.
 */
export async function inspectServer(client: MysqlClient): Promise<MysqlServer> {
  const [row] = await queryText(
    client,
    'asking the database who it is',
    `SELECT VERSION() AS version, @@version_comment AS comment, DATABASE() AS db, CONNECTION_ID() AS connection, @@hostname AS host, @@port AS port, @@server_id AS id, @@lower_case_table_names AS folds, @@max_allowed_packet AS packet`,
  )
  const versionText = row?.version ?? ''
  const about = `${versionText} ${row?.comment ?? ''}`
  const flavour = /mariadb/i.test(about) ? 'mariadb' : 'mysql'
  // Old replication clients made MariaDB call itself 5.5.5-10.x.
  const [, major, minor, patch] = /^(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)/.exec(versionText) ?? []
  if (major === undefined || LOOKALIKE.test(about)) throw new HoldfastError('E_DIALECT', `the database is neither MySQL nor MariaDB: ${about.slice(0, 100)}`)
  const version = Number(major) * 10000 + Number(minor) * 100 + Number(patch)
  if (version < OLDEST[flavour]) throw new HoldfastError('E_DIALECT', `${versionText} is too old; MariaDB 10.5 and MySQL 8.0 or later are served`)
  if (row?.db === null || row?.db === undefined) {
    throw new HoldfastError('E_CONFIG', 'the connection has chosen no database', { hint: 'Name the database in the options of the ORM.' })
  }
  const ids = await queryText(client, 'asking the database for its id', `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid')`)
  const uid = ids[0]?.Value ?? ids[0]?.value ?? ''
  return {
    flavour,
    version,
    versionText,
    database: row.db,
    systemId: `${uid === '' ? '' : `${uid} `}${row.host ?? ''}:${row.port ?? ''}:${row.id ?? ''}`,
    foldsTableNames: row.folds !== '0',
    longestText: Number(row.packet),
    connectionId: row.connection ?? '',
  }
}
