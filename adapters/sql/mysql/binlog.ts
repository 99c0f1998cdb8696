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
  /** The id that InnoDB gives to the next transaction that writes, in whatever table. It only grows, also where nothing is logged, or a log begins anew under its old name. */
  readonly transactions: string
}

/**
 * The position of the snapshot that was just taken. Only MariaDB gives it (`START TRANSACTION WITH CONSISTENT SNAPSHOT` fixes both together), with its binary
 * log on and nothing filtered out of it. Null in all other cases: then a position proves nothing. What is written under `sql_log_bin = 0` stands in no log; it is seen by the ids of
 * transactions, unless the transaction had written before the first of two snapshots and committed between them.
 */
export async function readBinlogFacts({ client, server }: MysqlSession): Promise<BinlogFacts | null> {
  if (server.flavour !== 'mariadb') return null
  const ask = (sql: string): Promise<readonly TextRow[]> => queryText(client, 'reading the position in the binary log', sql)
  const [settings] = await ask('SELECT @@log_bin AS on_, @@log_slave_updates AS updates, @@GLOBAL.gtid_slave_pos AS applied')
  if (settings?.on_ !== '1') return null
  const status = await ask(`SHOW STATUS WHERE Variable_name IN ('Binlog_snapshot_file', 'Binlog_snapshot_position', 'Innodb_max_trx_id')`)
  const valueOf = (name: string): string => status.find((row) => row.Variable_name?.toLowerCase() === name)?.Value ?? ''
  const [file, position] = [valueOf('binlog_snapshot_file'), valueOf('binlog_snapshot_position')]
  const transactions = valueOf('innodb_max_trx_id')
  if (file === '' || transactions === '' || !(await logsEverything(ask))) return null
  const [start] = await ask(
    `SELECT ROUND(UNIX_TIMESTAMP(NOW(6)) - VARIABLE_VALUE) AS started FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'`,
  )
  return { file, position, started: start?.started ?? '', applied: settings.updates === '1' ? 'logged' : (settings.applied ?? ''), transactions }
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
  const same = a.file === b.file && a.position === b.position && a.applied === b.applied && a.transactions === b.transactions
  return same && Math.abs(Number(a.started) - Number(b.started)) <= 2
}
