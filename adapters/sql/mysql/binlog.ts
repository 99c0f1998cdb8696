import { isHoldfastError } from '../../../src/kernel/errors.ts'
import { queryText, type TextRow } from './query.ts'
import type { MysqlSession } from './session.ts'

/** Where a snapshot stands in the binary log, and what that position depends on. All text. */
export interface BinlogFacts {
  readonly file: string
  readonly position: string
  /** Seconds since the epoch when the server was started, give or take one. */
  readonly started: string
  /** What replication has applied; such changes may be in no binary log of this server. */
  readonly applied: string
}

/**
 * The position of the snapshot that was just taken. Only MariaDB gives it (`START TRANSACTION WITH CONSISTENT SNAPSHOT` fixes both together), with its binary
 * log on and nothing filtered out of it. Null in all other cases: then a position proves nothing. Whoever writes under `sql_log_bin = 0` escapes it.
 */
export async function readBinlogFacts({ client, server }: MysqlSession): Promise<BinlogFacts | null> {
  if (server.flavour !== 'mariadb') return null
  const ask = (sql: string): Promise<readonly TextRow[]> => queryText(client, 'reading the position in the binary log', sql)
  const [settings] = await ask('SELECT @@log_bin AS on_, @@log_slave_updates AS updates, @@GLOBAL.gtid_slave_pos AS applied')
  if (settings?.on_ !== '1') return null
  const status = await ask(`SHOW STATUS WHERE Variable_name IN ('Binlog_snapshot_file', 'Binlog_snapshot_position')`)
  const valueOf = (name: string): string => status.find((row) => row.Variable_name?.toLowerCase() === name)?.Value ?? ''
  const [file, position] = [valueOf('binlog_snapshot_file'), valueOf('binlog_snapshot_position')]
  if (file === '' || !(await logsEverything(ask))) return null
  const [start] = await ask(
    `SELECT ROUND(UNIX_TIMESTAMP(NOW(6)) - VARIABLE_VALUE) AS started FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'`,
  )
  return { file, position, started: start?.started ?? '', applied: settings.updates === '1' ? 'logged' : (settings.applied ?? '') }
}

async function logsEverything(ask: (sql: string) => Promise<readonly TextRow[]>): Promise<boolean> {
  try {
    const [filters] = await ask('SHOW MASTER STATUS')
    return filters !== undefined && filters.Binlog_Do_DB === '' && filters.Binlog_Ignore_DB === ''
  } catch (error) {
    // Without the privilege nobody can tell; a scan can.
    if (isHoldfastError(error)) return false
    throw error
  }
}

/** Both snapshots are of one and the same state: nothing was committed between them. */
export function samePosition(a: BinlogFacts, b: BinlogFacts): boolean {
  return a.file === b.file && a.position === b.position && a.applied === b.applied && Math.abs(Number(a.started) - Number(b.started)) <= 2
}
