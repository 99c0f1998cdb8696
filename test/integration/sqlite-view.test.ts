import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, describe, expect, it } from 'vitest'
import type { ConsistentView, EntityMapping, KnownRange } from '../../src/contracts/index.ts'
import { createKeyTextReader, RawText } from '../../src/record/index.ts'
import { createSqliteFile, EVERYTHING, libsql, readAll, readLines, type SqliteFile, tableMapping } from '../support/sqlite.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

function file(options: Parameters<typeof createSqliteFile>[0] = {}): SqliteFile {
  const made = createSqliteFile(options)
  open.push(made)
  return made
}

async function view(source: SqliteFile, mappings: readonly EntityMapping[], more: Parameters<SqliteFile['store']>[1] = {}): Promise<ConsistentView> {
  const made = await source.store(mappings, more).openView({ entities: mappings.map(({ name }) => ({ entity: name })) })
  open.push(made)
  return made
}

const PEOPLE = 'CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, boss INTEGER)'
const people = tableMapping('people', ['id', 'name', 'boss'])
const fill = (rows: number) =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) INSERT INTO people SELECT i, 'name ' || i, nullif(i % 3, 0) FROM n`

describe('a view of a SQLite file in WAL mode', () => {
  it('sees one state, whatever is written, altered and checkpointed meanwhile', async () => {
    const source = file()
    source.exec(`${PEOPLE}; ${fill(5000)}`)
    const seen = await view(source, [people])
    expect(seen.consistency).toEqual({ level: 'snapshot', method: 'wal-read' })
    expect(seen.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(seen.source).toMatchObject({ dialect: 'sqlite', serverVersion: expect.stringMatching(/^3\./), database: source.path })
    source.exec(`DELETE FROM people WHERE id % 2 = 0; UPDATE people SET name = 'x'; ALTER TABLE people ADD COLUMN more`)
    source.rows('PRAGMA wal_checkpoint(PASSIVE)')
    const lines = await readLines(seen, 'people')
    expect(lines).toHaveLength(5000)
    expect(lines[1]).toBe('{"id":2,"name":"name 2","boss":2}')
    expect(lines[2]).toBe('{"id":3,"name":"name 3","boss":null}')
    expect((await seen.estimate('people')).rows).toBe(5000)
  })

  it('leaves no transaction open behind it, even when a read was ended early', async () => {
    const source = file()
    source.exec(`${PEOPLE}; ${fill(50_000)}`)
    const seen = await view(source, [people])
    for await (const batch of seen.read('people', EVERYTHING)) {
      expect(batch.rows).toBeGreaterThan(0)
      break
    }
    await seen.close()
    source.exec('DELETE FROM people')
    expect(source.rows('PRAGMA wal_checkpoint(TRUNCATE)')).toEqual([[0n, 0n, 0n]])
    await expect(readAll(seen, 'people')).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
  })

  it('makes batches of about 1 MiB with marks at every line, key and reference', async () => {
    const source = file()
    source.exec(`${PEOPLE}; ${fill(60_000)}; UPDATE people SET name = 'é\u2028' || id || char(10) WHERE id % 7 = 0`)
    const seen = await view(source, [people])
    const batches = await readAll(seen, 'people', EVERYTHING, ['boss', 'name'])
    expect(batches.length).toBeGreaterThan(2)
    let id = 0
    for (const { bytes, marks, stride, rows } of batches) {
      expect(stride).toBe(6)
      expect(marks.length).toBe(rows * stride)
      expect(bytes.length).toBeLessThan(1.3 * 1024 * 1024)
      const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString()
      const key = createKeyTextReader(1)
      let start = 0
      for (let row = 0; row < rows; row++) {
        id++
        const [end, keyEnd, bossStart, bossEnd, nameStart, nameEnd] = marks.subarray(row * stride) as unknown as [
          number,
          number,
          number,
          number,
          number,
          number,
        ]
        const name = id % 7 === 0 ? `é\u2028${id}\n` : `name ${id}`
        const line = `{"id":${id},"name":${JSON.stringify(name)},"boss":${id % 3 === 0 ? 'null' : id % 3}}\n`
        if (text(start, end) !== line) expect(text(start, end)).toBe(line)
        if (key(bytes, start, keyEnd) !== `[${id}]`) expect(key(bytes, start, keyEnd)).toBe(`[${id}]`)
        if (text(bossStart, bossEnd) !== (id % 3 === 0 ? '' : `${id % 3}`)) expect(text(bossStart, bossEnd)).toBe(`${id % 3}`)
        if (text(nameStart, nameEnd) !== JSON.stringify(name)) expect(text(nameStart, nameEnd)).toBe(name)
        start = end
      }
      expect(start).toBe(bytes.length)
    }
    expect(id).toBe(60_000)
  })

  it('lets the event loop turn and stops when its signal aborts', async () => {
    const source = file()
    source.exec(`${PEOPLE}; ${fill(200_000)}`)
    const seen = await view(source, [people])
    const delay = monitorEventLoopDelay({ resolution: 5 })
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    delay.enable()
    await readAll(seen, 'people')
    delay.disable()
    clearInterval(timer)
    expect(turns).toBeGreaterThan(10)
    const abort = new AbortController()
    const reading = (async () => {
      for await (const _ of seen.read('people', EVERYTHING, { signal: abort.signal })) abort.abort()
    })()
    await expect(reading).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  it('cuts keys into ranges that together are the whole, and checks each of them', async () => {
    const source = file()
    source.exec(`${PEOPLE}; ${fill(1000)}; UPDATE people SET id = -17 * id`)
    const seen = await view(source, [people])
    const ranges = await seen.split('people', { parts: 7 })
    expect(ranges).toHaveLength(7)
    const known: KnownRange[] = []
    const parts: string[] = []
    for (const range of ranges) {
      const lines = await readLines(seen, 'people', range)
      parts.push(...lines)
      const sha256 = createHash('sha256')
        .update(lines.map((line) => `${line}\n`).join(''))
        .digest('hex')
      known.push({ range, rows: lines.length, sha256, evidence: await seen.evidence('people') })
    }
    expect(parts).toEqual(await readLines(seen, 'people'))
    const states = async (of: ConsistentView) => {
      const found = []
      for await (const { index, state, reason } of of.check('people', known)) found.push({ index, state, reason })
      return found
    }
    expect(await states(seen)).toEqual(known.map((_, index) => ({ index, state: 'unchanged', reason: undefined })))
    const [first] = ranges[2]!.from!.match(/-?\d+/)!
    source.exec(
      `UPDATE people SET name = name || ' ' WHERE id = (SELECT min(id) FROM people WHERE id >= ${first}); DELETE FROM people WHERE id = (SELECT min(id) FROM people); INSERT INTO people VALUES (99999, NULL, NULL)`,
    )
    const later = await view(source, [people])
    expect((await states(later)).map(({ state, reason }) => reason ?? state)).toEqual([
      'rows',
      'unchanged',
      'digest',
      'unchanged',
      'unchanged',
      'unchanged',
      'rows',
    ])
    expect(await states(seen)).toEqual(known.map((_, index) => ({ index, state: 'unchanged', reason: undefined })))
  })

  it('reads ranges of composite keys of any class in the order of their index, NOCASE and bytes included', async () => {
    const source = file()
    source.exec('CREATE TABLE pairs (a TEXT COLLATE NOCASE NOT NULL, b NOT NULL, v, PRIMARY KEY (b, a)) WITHOUT ROWID')
    const values = ['A', 'b', 'C', 'd', 'é']
    const others = [1n, 2.5, 'x', new RawText(Uint8Array.of(0x61, 0xff)), Uint8Array.of(0), Uint8Array.of(0, 1), 'x\u0000y']
    for (const a of values) for (const b of others) source.insert('pairs', [a, b, 'v'])
    const seen = await view(source, [tableMapping('pairs', ['a', 'b', 'v'], { keyFields: 2 })])
    const lines = await readLines(seen, 'pairs')
    expect(lines).toHaveLength(35)
    expect(new Set(lines).size).toBe(35)
    expect(lines[0]).toBe('{"a":"A","b":{"integer":1},"v":{"text":"v"}}')
    const keyOf = (line: string) => `[${JSON.stringify(JSON.parse(line).a)},${line.slice(line.indexOf('"b":') + 4, line.lastIndexOf(',"v"'))}]`
    for (let cut = 0; cut < lines.length; cut++) {
      const at = keyOf(lines[cut]!)
      expect(await readLines(seen, 'pairs', { from: null, to: at })).toEqual(lines.slice(0, cut))
      expect(await readLines(seen, 'pairs', { from: at, to: null })).toEqual(lines.slice(cut))
    }
    expect(await seen.split('pairs', { parts: 4 })).toEqual([EVERYTHING])
  })

  it('reports sequences, migrations and what the schema says', async () => {
    const source = file()
    source.exec(`
      CREATE TABLE customers (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, vat DECIMAL(10, 2), "full" TEXT GENERATED ALWAYS AS (email || '!') VIRTUAL);
      CREATE TABLE orders (no TEXT NOT NULL, line INT NOT NULL, customer INTEGER DEFAULT 1 REFERENCES customers, PRIMARY KEY (no, line)) WITHOUT ROWID;
      CREATE TABLE plain (id INTEGER PRIMARY KEY, a ANY, CHECK (a <> 'AUTOINCREMENT'));
      CREATE UNIQUE INDEX part ON orders (customer) WHERE line = 1;
      CREATE TABLE migrations (id INTEGER PRIMARY KEY, timestamp INTEGER, name TEXT);
      INSERT INTO migrations VALUES (2, 5, 'B'), (1, 9, 'A');
      INSERT INTO customers (id, email) VALUES (41, 'a'); DELETE FROM customers`)
    const mappings = [
      tableMapping('customers', ['id', 'email', 'vat', 'full']),
      tableMapping('orders', ['no', 'line', 'customer'], { keyFields: 2 }),
      tableMapping('plain', ['id', 'a']),
    ]
    const seen = await view(source, mappings, { migrations: { table: 'migrations' } })
    expect(seen.migrations).toEqual(['A', 'B'])
    expect(await seen.sequences()).toEqual([{ entity: 'customers', field: 'id', lastValue: '41' }])
    const [customers, orders, plain] = seen.entities
    expect(customers!.fields.map(({ path, type, dbType, nullable, optional, generation }) => [path, type, dbType, nullable, optional, generation])).toEqual([
      ['id', { kind: 'dynamic', affinity: 'integer' }, 'INTEGER', false, true, 'identity'],
      ['email', { kind: 'dynamic', affinity: 'text' }, 'TEXT', false, false, undefined],
      ['vat', { kind: 'dynamic', affinity: 'numeric' }, 'DECIMAL(10, 2)', true, false, undefined],
      ['full', { kind: 'dynamic', affinity: 'text' }, 'TEXT', true, true, 'computed'],
    ])
    expect(customers!.uniques).toEqual([['email']])
    expect(orders!.references).toEqual([{ fields: ['customer'], entity: 'customers', table: 'customers', columns: ['id'] }])
    expect(orders!.uniques).toEqual([])
    expect(plain!.fields[1]).toMatchObject({ type: { affinity: 'numeric' } })
    expect(await source.store(mappings).describe([{ entity: 'plain' }])).toEqual([plain])
    expect(await seen.evidence('plain')).toMatchObject({ method: 'sha256', values: { encoding: '1' } })
  })
})

describe('a view of a SQLite file in a rollback-journal mode', () => {
  it('reads a copy, so that writers need not wait, and removes it', async () => {
    const source = file({ wal: false })
    source.exec(`${PEOPLE}; ${fill(1000)}`)
    const seen = await view(source, [people])
    expect(seen.consistency).toEqual({ level: 'snapshot', method: 'copy' })
    expect(source.strangers()).toEqual([expect.stringMatching(/^app\.db\.holdfast-[0-9a-f]+\.copy$/)])
    source.exec('PRAGMA busy_timeout = 0; DELETE FROM people')
    expect(await readLines(seen, 'people')).toHaveLength(1000)
    await seen.close()
    expect(source.strangers()).toEqual([])
  })

  it('waits for a writer, but not for ever', async () => {
    const source = file({ wal: false })
    source.exec(`${PEOPLE}; ${fill(10)}; BEGIN EXCLUSIVE; DELETE FROM people`)
    const waiting = view(source, [people])
    await new Promise((done) => setTimeout(done, 50))
    source.exec('ROLLBACK')
    expect(await readLines(await waiting, 'people')).toHaveLength(10)
    source.exec('BEGIN EXCLUSIVE')
    await expect(view(source, [people])).rejects.toMatchObject({ code: 'E_STORE_FAILED', retryable: true })
    const abort = AbortSignal.timeout(50)
    await expect(source.store([people]).openView({ entities: [{ entity: 'people' }], signal: abort })).rejects.toMatchObject({ code: 'E_ABORTED' })
    source.exec('ROLLBACK')
    expect(source.strangers()).toHaveLength(1)
  })

  it('leaves alone the copy of a living process and sweeps that of a dead one', { timeout: 60_000 }, async () => {
    const source = file({ wal: false })
    source.exec(`${PEOPLE}; ${fill(10)}`)
    const script = `
      import { openSqliteFile, tableMapping } from ${JSON.stringify(new URL('../support/sqlite.ts', import.meta.url).href)}
      const file = openSqliteFile(${JSON.stringify(source.folder)}, ${JSON.stringify(source.path)}, false)
      await file.store([tableMapping('people', ['id', 'name', 'boss'])]).openView({ entities: [{ entity: 'people' }] })
      process.stdout.write('open')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    await new Promise((done) => setTimeout(done, 5200)) // a young copy is never judged
    await (await view(source, [people])).close()
    expect(source.strangers()).toHaveLength(1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await (await view(source, [people])).close()
    expect(source.strangers()).toEqual([])
  })
})

describe('a view of a SQLite database in memory', () => {
  it('copies it through the connection of the ORM', async () => {
    const source = file({ memory: true })
    source.exec(`${PEOPLE}; ${fill(100)}`)
    const seen = await view(source, [people])
    source.exec('DELETE FROM people')
    expect(seen.consistency.method).toBe('copy')
    expect(await readLines(seen, 'people')).toHaveLength(100)
  })

  it('waits for the transaction of the application', async () => {
    const source = file({ memory: true })
    source.exec(`${PEOPLE}; ${fill(100)}; BEGIN; DELETE FROM people`)
    setTimeout(() => source.exec('ROLLBACK'), 50)
    expect(await readLines(await view(source, [people]), 'people')).toHaveLength(100)
  })

  it('is refused where the ORM does not hand its connection over', async () => {
    const source = file({ memory: true })
    source.exec(PEOPLE)
    const { ormDatabase: _, ...options } = {
      ormDatabase: null,
      name: 'main',
      orm: 'test',
      driver: libsql,
      path: ':memory:',
      mapping: { entities: [people], excluded: [] },
    }
    const { createSqliteStore } = await import('../../adapters/sql/sqlite/store.ts')
    await expect(createSqliteStore(options).openView({ entities: [{ entity: 'people' }] })).rejects.toMatchObject({ code: 'E_CAPABILITY' })
  })
})

describe('what a SQLite view refuses', () => {
  const refused = async (sql: string, mappings: readonly EntityMapping[]) => {
    const source = file()
    source.exec(sql)
    return view(source, mappings).then(
      () => 'opened',
      (error: unknown) => error,
    )
  }

  it('missing tables and columns, all of them at once', async () => {
    const error = await refused(PEOPLE, [tableMapping('people', ['id', 'nick', 'name', 'age']), tableMapping('gone', ['id'])])
    expect(error).toMatchObject({
      code: 'E_SCHEMA_DRIFT',
      details: {
        missing: [
          { entity: 'people', table: 'people', column: 'nick' },
          { entity: 'people', table: 'people', column: 'age' },
          { entity: 'gone', table: 'gone' },
        ],
      },
    })
  })

  it.each([
    ['a view', 'CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE VIEW people AS SELECT id FROM t'],
    ['a key without a unique index', 'CREATE TABLE people (id INTEGER)'],
    ['a key with only a partial unique index', 'CREATE TABLE people (id INTEGER); CREATE UNIQUE INDEX u ON people (id) WHERE id > 5'],
    ['a key that is only part of a unique index', 'CREATE TABLE people (id INTEGER, b, UNIQUE (id, b))'],
    [
      'a key whose index tells apart what the column does not',
      'CREATE TABLE people (id TEXT COLLATE NOCASE NOT NULL); CREATE UNIQUE INDEX u ON people (id COLLATE BINARY)',
    ],
    ['a key that is NULL somewhere', `CREATE TABLE people (id TEXT PRIMARY KEY); INSERT INTO people VALUES (NULL), ('a'), (NULL)`],
  ])('%s', async (_name, sql) => {
    expect(await refused(sql, [tableMapping('people', ['id'])])).toMatchObject({ code: 'E_MAPPING' })
  })

  it('a UTF-16 database, a schema of another name, an entity that is not mapped, a file that is not there', async () => {
    expect(await refused(PEOPLE, [{ ...people, schema: 'other' }])).toMatchObject({ code: 'E_MAPPING' })
    const source = file()
    source.exec(PEOPLE)
    await expect(source.store([people]).openView({ entities: [{ entity: 'nobody' }] })).rejects.toMatchObject({ code: 'E_ENTITY_UNKNOWN' })
    await expect(source.store([people], { path: `${source.path}x` }).openView({ entities: [] })).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    expect(source.strangers()).toEqual([])
    const wide = `${source.path}16`
    const other = new libsql(wide)
    other.exec(`PRAGMA encoding = 'UTF-16le'; ${PEOPLE}`)
    await expect(source.store([people], { path: wide }).openView({ entities: [{ entity: 'people' }] })).rejects.toMatchObject({ code: 'E_CAPABILITY' })
    other.close()
  })

  it('never ends the process over TEXT that is not UTF-8, and loses nothing after a zero byte', async () => {
    const source = file()
    source.exec(PEOPLE)
    source.insert('people', [1n, new RawText(Uint8Array.of(0x61, 0xff)), null])
    source.insert('people', [2n, 'a\u0000b', new RawText(Uint8Array.of(0xed, 0xa0, 0x80))])
    source.insert('people', [3n, 'plain', 'text'])
    expect(await readLines(await view(source, [people]), 'people')).toEqual([
      '{"id":1,"name":{"textbytes":"Yf8="},"boss":null}',
      '{"id":2,"name":"a\\u0000b","boss":{"textbytes":"7aCA"}}',
      '{"id":3,"name":"plain","boss":{"text":"text"}}',
    ])
  })
})
