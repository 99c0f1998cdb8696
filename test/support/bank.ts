import type pg from 'pg'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import type { EntityStore } from '../../src/contracts/index.ts'
import { mappingOf, table, testPool } from './postgres-lane.ts'

export const ACCOUNTS = 4000
export const MONEY = ACCOUNTS * 100

/** Accounts and a ledger: transfers never change the sum of all balances, and each leaves one entry. Any state that was ever committed shows it. */
export async function createBank(query: (sql: string) => Promise<unknown>): Promise<void> {
  await query(`
    CREATE TABLE account (region text COLLATE "C", no int, balance bigint NOT NULL, note text, PRIMARY KEY (region, no));
    CREATE TABLE entry (id bigserial PRIMARY KEY, from_no int NOT NULL, to_no int NOT NULL, amount bigint NOT NULL, at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE booked (entries bigint NOT NULL, id int PRIMARY KEY);
    INSERT INTO booked VALUES (0, 1);
    INSERT INTO account SELECT (ARRAY['eu', 'a"q', 'Ω'])[1 + i % 3], i, 100, repeat(md5(i::text), 12) FROM generate_series(1, ${ACCOUNTS}) i`)
}

export function bankStore(url: string, max = 8): { readonly store: EntityStore; readonly pool: pg.Pool } {
  const { pool, connections } = testPool(url, max)
  const mapping = mappingOf(
    table('account', 'region no balance note', { key: ['region', 'no'] }),
    table('entry', 'id from_no to_no amount at'),
    table('booked', 'id entries'),
  )
  return { store: createPostgresStore({ name: 'default', orm: 'bank', mapping, connections }), pool }
}

/** Moves money until told to stop; resolves with the number of transfers. */
export function startTransfers(pool: pg.Pool, writers: number, pauseMs = 2): { stop(): Promise<number> } {
  const stopping = new AbortController()
  const write = async () => {
    let done = 0
    while (!stopping.signal.aborted) {
      const [from, to, amount] = [1 + Math.floor(Math.random() * ACCOUNTS), 1 + Math.floor(Math.random() * ACCOUNTS), 1 + Math.floor(Math.random() * 40)]
      await pool.query(`
        BEGIN;
        UPDATE account SET balance = balance + CASE WHEN no = ${to} THEN ${amount} ELSE 0 END - CASE WHEN no = ${from} THEN ${amount} ELSE 0 END WHERE no IN (${from}, ${to});
        INSERT INTO entry (from_no, to_no, amount) VALUES (${from}, ${to}, ${amount});
        UPDATE booked SET entries = entries + 1;
        COMMIT`)
      done++
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    return done
  }
  const writing = Promise.all(Array.from({ length: writers }, write))
  return {
    async stop() {
      stopping.abort()
      return (await writing).reduce((sum, count) => sum + count, 0)
    },
  }
}

/** What is wrong with the records of a snapshot of the bank: nothing, if they are one committed state. */
export function bankFaults(lines: { readonly account: string; readonly entry: string; readonly booked: string }): string[] {
  const rows = (text: string): Record<string, unknown>[] =>
    text === ''
      ? []
      : text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line))
  const accounts = rows(lines.account)
  const money = accounts.reduce((sum, account) => sum + Number(account.balance), 0)
  const entries = rows(lines.entry).length
  const booked = Number(rows(lines.booked)[0]?.entries)
  const faults: string[] = []
  if (accounts.length !== ACCOUNTS) faults.push(`${accounts.length} accounts`)
  if (new Set(accounts.map(({ no }) => no)).size !== ACCOUNTS) faults.push('an account twice')
  if (money !== MONEY) faults.push(`${money} of money`)
  if (entries !== booked) faults.push(`${entries} entries, ${booked} booked`)
  return faults
}
