import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConsistentView, EntityMapping, KeyRange, KnownRange } from '../../src/contracts/index.ts'
import { createMysqlDatabase, mysqlUrl, isMysqlProper } from '../support/mysql.ts'
import { endPool, inView, mysqlPool, openView, remember } from '../support/mysql-lane.ts'
import { checkAll, EVERYTHING, mappingOf, readLines, table } from '../support/postgres-lane.ts'
import type { TestDatabase } from '../support/postgres.ts'

describe.skipIf(mysqlUrl() === null)('a view of a MySQL store', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>

  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url, 3)
  })
  afterAll(async () => {
    await endPool(lane.pool)
    await db.drop()
  })

  const view = <T>(entities: readonly EntityMapping[], work: (view: ConsistentView) => Promise<T>) => inView(lane.connections, mappingOf(...entities), work)

  it('writes every type in its record form, whatever the application has set', async () => {
    await db.query(`CREATE TABLE zoo (
        id bigint unsigned PRIMARY KEY, z int(5) zerofill, d decimal(30,10), f float, dbl double, fixed double(10,2), b bit(10), big bit(64), y year,
        dt datetime(6), ts timestamp(3) NULL, da date, ti time(6), l varchar(20) CHARACTER SET latin1, u varchar(20) CHARACTER SET utf16, vb varbinary(200),
        bi binary(4), e enum('a"b','c'), s set('x','y'), j json, g varchar(20) AS (concat('<', l, '>')) VIRTUAL, t text);
      SET time_zone = '+05:00', sql_mode = 'ALLOW_INVALID_DATES';
      INSERT INTO zoo (id, z, d, f, dbl, fixed, b, big, y, dt, ts, da, ti, l, u, vb, bi, e, s, j, t) VALUES
        (18446744073709551615, 42, '12345678901234567890.0123456789', 16777217, -0.1e0, 1.5, b'1000000001', b'1111111111111111111111111111111111111111111111111111111111111111',
         2024, '2024-02-29 12:34:56.789012', '2024-01-01 05:00:00.123', '2023-02-31', '-838:59:59', 'ünï€', _utf8mb4'😀 é', repeat(x'00ff', 60), 'ab', 'a"b', 'x,y', '{"a" :\n 1}',
         'q" b\\\\ n\\n t\\t \\\\u001F 0\\0 / é 😀'),
        (1, 0, 0, 0, 5e-324, 0, 0, 0, 0, '0000-00-00', NULL, '0000-00-00', 0, '', '', '', '', 'c', '', 'null', concat(char(1), char(31), char(127), char(11), char(26)))`)
    const columns = 'id z d f dbl fixed b big y dt ts da ti l u vb bi e s j g t'
    const odd = mysqlPool(db.url, 1, { timezone: '-03:00', charset: 'latin1_swedish_ci', typeCast: false, dateStrings: true })
    const [zero, one] = await inView(odd.connections, mappingOf(table('zoo', columns)), (open) => readLines(open, 'zoo'))
    await endPool(odd.pool)
    const bytes = Buffer.from('00ff'.repeat(60), 'hex').toString('base64')
    expect(one).toBe(
      '{"id":"18446744073709551615","z":42,"d":"12345678901234567890.0123456789","f":16777216,"dbl":-0.1,"fixed":1.5,"b":513,"big":"18446744073709551615","y":2024,' +
        '"dt":"2024-02-29T12:34:56.789012","ts":"2024-01-01T00:00:00.123","da":"2023-02-31","ti":"-838:59:59.000000","l":"ünï€","u":"😀 é",' +
        `"vb":"${bytes}","bi":"YWIAAA==","e":"a\\"b","s":"x,y","j":${isMysqlProper() ? '[{"a": 1}]' : '"{\\"a\\" :\\n 1}"'},"g":"<ünï€>","t":${JSON.stringify('q" b\\ n\n t\t \\u001F 0\0 / é 😀')}}`,
    )
    expect(zero).toBe(
      '{"id":"1","z":0,"d":"0.0000000000","f":0,"dbl":5e-324,"fixed":0,"b":0,"big":"0","y":0,"dt":"0000-00-00T00:00:00.000000","ts":null,"da":"0000-00-00",' +
        `"ti":"00:00:00.000000","l":"","u":"","vb":"","bi":"AAAAAA==","e":"c","s":"","j":${isMysqlProper() ? '[null]' : '"null"'},"g":"<>","t":${JSON.stringify('\u0001\u001f\u007f\u000b\u001a')}}`,
    )
  })

  it('gives key ends and the spans of references', async () => {
    await db.query(
      `CREATE TABLE spans (b varchar(20), a int, note text, ref bigint, PRIMARY KEY (a, b)); INSERT INTO spans VALUES ('x"y', 1, '","', 7), ('z', 2, '', NULL)`,
    )
    const lines = await view([table('spans', 'a b note ref', { key: ['a', 'b'] })], async (open) => {
      const found: string[][] = []
      for await (const { bytes, marks, rows, stride } of open.read('spans', { from: null, to: null }, { references: ['ref', 'a'] })) {
        expect(stride).toBe(6)
        let start = 0
        for (let row = 0; row < rows; row++) {
          const [end, keyEnd, from, to, from2, to2] = marks.subarray(row * stride) as unknown as [number, number, number, number, number, number]
          found.push([[start, keyEnd] as const, [from, to] as const, [from2, to2] as const].map(([a, b]) => Buffer.from(bytes).toString('utf8', a, b)))
          start = end
        }
      }
      return found
    })
    expect(lines).toEqual([
      ['{"a":1,"b":"x\\"y"', '"7"', '1'],
      ['{"a":2,"b":"z"', '', '2'],
    ])
  })

  it('reads rows that are longer than a packet of the server, column by column', async () => {
    await db.query(`CREATE TABLE large (id int PRIMARY KEY, body longtext, picture longblob); INSERT INTO large VALUES (1, 'small', NULL), (4, 'é', x'00')`)
    const [{ packet } = { packet: 0 }] = await db.query<{ packet: number }>('SELECT @@max_allowed_packet AS packet')
    const half = Math.floor(packet / 2) + 1000
    await db.query(
      `INSERT INTO large SELECT 2, repeat('é', ${half >> 1}), repeat('x', ${half}); INSERT INTO large SELECT 3, NULL, repeat(x'ff', ${packet - 1000})`,
    )
    const lines = await view([table('large', 'id body picture')], (open) => readLines(open, 'large'))
    expect(lines.map((line) => line.length)).toEqual([
      lines[0]!.length,
      `{"id":2,"body":"","picture":""}`.length + (half >> 1) + Math.ceil(half / 3) * 4,
      `{"id":3,"body":null,"picture":""}`.length + Math.ceil((packet - 1000) / 3) * 4,
      lines[3]!.length,
    ])
    expect([lines[0], lines[3]]).toEqual(['{"id":1,"body":"small","picture":null}', '{"id":4,"body":"é","picture":"AA=="}'])
    const { body, picture } = JSON.parse(lines[1]!) as { body: string; picture: string }
    expect(body === 'é'.repeat(half >> 1) && picture === Buffer.from('x'.repeat(half)).toString('base64')).toBe(true)
  }, 120_000)

  it('compares by their lines rows that are too long for the server to hash', async () => {
    const big = table('big', 'id a b')
    const [{ packet } = { packet: 0 }] = await db.query<{ packet: number }>('SELECT @@max_allowed_packet AS packet')
    const half = Math.floor(packet / 2) + 1000
    await db.query(`CREATE TABLE big (id int PRIMARY KEY, a longtext, b longtext); INSERT INTO big VALUES (1, 'small', 'small');
      INSERT INTO big SELECT 2, repeat('a', ${half}), repeat('b', ${half})`)
    const known = await view([big], (open) => remember(open, 'big'))
    expect(known.digest).toBeUndefined()
    const check = () => view([big], (open) => checkAll(open, 'big', [known]))
    expect(await check()).toMatchObject([{ state: 'unchanged' }])
    await db.query(`UPDATE big SET a = concat('x', substr(a, 2)) WHERE id = 2`)
    expect(await check()).toMatchObject([{ state: 'changed', method: 'sha256' }])
  }, 120_000)

  describe('ranges', () => {
    /** Every pair of neighbouring keys as a range holds just the first of them; the ends hold the rest. */
    async function expectRanges(create: string, entity: EntityMapping, expected: readonly string[]): Promise<void> {
      await db.query(create)
      await view([entity], async (open) => {
        const lines = await readLines(open, entity.name)
        const keys = lines.map((line) => JSON.stringify(entity.key.map((path) => (JSON.parse(line) as Record<string, unknown>)[path])))
        expect(keys).toEqual(expected)
        for (const [place, from] of keys.entries()) {
          const to = keys[place + 1] ?? null
          expect(await readLines(open, entity.name, { from, to })).toEqual([lines[place]])
          expect(await readLines(open, entity.name, { from: null, to: from })).toEqual(lines.slice(0, place))
        }
        expect(await open.digests!(entity.name, [{ from: keys[1]!, to: null }])).toEqual([
          expect.stringMatching(new RegExp(`^3:[0-9a-f]{16}:${keys.length - 1}:`)),
        ])
      })
    }

    it('of negative and unsigned numbers', async () => {
      await expectRanges('CREATE TABLE r1 (id int PRIMARY KEY); INSERT INTO r1 VALUES (-5), (0), (7), (-2147483648)', table('r1', 'id'), [
        '[-2147483648]',
        '[-5]',
        '[0]',
        '[7]',
      ])
      await expectRanges(
        'CREATE TABLE r2 (id bigint unsigned PRIMARY KEY); INSERT INTO r2 VALUES (9223372036854775809), (9223372036854775808), (2)',
        table('r2', 'id'),
        ['["2"]', '["9223372036854775808"]', '["9223372036854775809"]'],
      )
      await expectRanges('CREATE TABLE r3 (id decimal(20,4) PRIMARY KEY); INSERT INTO r3 VALUES (-1.5), (10), (9.0001)', table('r3', 'id'), [
        '["-1.5000"]',
        '["9.0001"]',
        '["10.0000"]',
      ])
      await expectRanges('CREATE TABLE r4 (id double PRIMARY KEY); INSERT INTO r4 VALUES (-1e300), (0.1), (2)', table('r4', 'id'), [
        '[-1e+300]',
        '[0.1]',
        '[2]',
      ])
    })

    it('of text, in the collation of its column', async () => {
      await expectRanges(
        `CREATE TABLE r5 (id varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY); INSERT INTO r5 VALUES ('b'), ('A'), ('é'), (''), ('it''s \\\\')`,
        table('r5', 'id'),
        ['[""]', '["A"]', '["b"]', '["é"]', '["it\'s \\\\"]'],
      )
      await expectRanges(
        `CREATE TABLE r6 (id varchar(20) COLLATE utf8mb4_bin PRIMARY KEY); INSERT INTO r6 VALUES ('b'), ('A'), ('😀'), ('a'), ('\\u001F')`,
        table('r6', 'id'),
        ['["A"]', '["a"]', '["b"]', '["u001F"]', '["😀"]'],
      )
      await expectRanges(`CREATE TABLE r7 (id enum('z','m','a') PRIMARY KEY); INSERT INTO r7 VALUES ('a'), ('z'), ('m')`, table('r7', 'id'), [
        '["a"]',
        '["m"]',
        '["z"]',
      ])
    })

    it('of bytes, dates and several columns', async () => {
      await expectRanges(`CREATE TABLE r8 (id varbinary(8) PRIMARY KEY); INSERT INTO r8 VALUES (x''), (x'00'), (x'ff'), (x'00ff')`, table('r8', 'id'), [
        '[""]',
        '["AA=="]',
        '["AP8="]',
        '["/w=="]',
      ])
      await expectRanges(
        `CREATE TABLE r9 (at datetime(3), id int, name varchar(5), PRIMARY KEY (at, name, id));
         INSERT INTO r9 VALUES ('2024-01-01', 2, 'a'), ('2024-01-01', 1, 'a'), ('2024-01-01', 1, 'b'), ('2023-12-31 23:59:59.999', 9, 'z')`,
        table('r9', 'at name id', { key: ['at', 'name', 'id'] }),
        ['["2023-12-31T23:59:59.999","z",9]', '["2024-01-01T00:00:00.000","a",1]', '["2024-01-01T00:00:00.000","a",2]', '["2024-01-01T00:00:00.000","b",1]'],
      )
    })

    it('cut whole-number keys, and leave others whole', async () => {
      await db.query(`CREATE TABLE cuts (id bigint PRIMARY KEY, a int, b int, UNIQUE (a, b)); INSERT INTO cuts SELECT seq, seq, seq FROM seq_1_to_100`)
      await view([table('cuts', 'id')], async (open) => {
        const ranges = await open.split('cuts', { parts: 4 })
        const counts = await Promise.all(ranges.map(async (range) => (await readLines(open, 'cuts', range)).length))
        expect(counts).toEqual([25, 25, 25, 25])
        expect(await open.split('cuts', { parts: 1 })).toEqual([{ from: null, to: null }])
        expect(await open.estimate('cuts')).toMatchObject({ rows: 100 })
      })
    })
  })

  describe('its snapshot', () => {
    it('case 32: is one state of all tables, and keeps schema changes out', async () => {
      await db.query(
        `CREATE TABLE one (id int AUTO_INCREMENT PRIMARY KEY, v int); CREATE TABLE two (id int PRIMARY KEY); INSERT INTO one (v) VALUES (1), (2); INSERT INTO two VALUES (1)`,
      )
      const open = await openView(lane.connections, mappingOf(table('one', 'id v'), table('two', 'id')))
      await db.query(`INSERT INTO one (v) VALUES (3); UPDATE one SET v = 9 WHERE id = 1; DELETE FROM two`)
      const altering = db.query(`ALTER TABLE one ADD COLUMN w int NOT NULL DEFAULT 7`)
      await delay(100)
      expect(await readLines(open, 'one')).toEqual(['{"id":1,"v":1}', '{"id":2,"v":2}'])
      expect(await readLines(open, 'two')).toEqual(['{"id":1}'])
      expect(open).toMatchObject({
        consistency: { level: 'snapshot', method: 'consistent-snapshot' },
        parallel: 1,
        source: { dialect: 'mysql', database: db.name },
      })
      expect(Math.abs(Date.parse(open.at) - Date.now())).toBeLessThan(60_000)
      expect(open.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
      expect(await open.sequences()).toEqual([{ entity: 'one', field: 'id', lastValue: '3' }])
      await open.close()
      await altering
    })

    it('is fuzzy when a table is not of InnoDB, and says so', async () => {
      await db.query(`CREATE TABLE solid (id int PRIMARY KEY); CREATE TABLE loose (id int PRIMARY KEY) ENGINE = MyISAM`)
      await view([table('solid', 'id'), table('loose', 'id')], async (open) => expect(open.consistency.level).toBe('fuzzy'))
    })

    it('names the migrations that were applied', async () => {
      await db.query(`CREATE TABLE migrations (id int PRIMARY KEY, name varchar(50)); INSERT INTO migrations VALUES (2, 'second'), (1, 'first')`)
      const names = await inView(lane.connections, mappingOf(table('solid', 'id')), async (open) => open.migrations, { migrations: { table: 'migrations' } })
      expect(names).toEqual(['first', 'second'])
    })
  })

  describe('reading', () => {
    const many = table('many', 'id pad')
    beforeAll(async () => {
      await db.query(`CREATE TABLE many (id int PRIMARY KEY, pad varchar(600)); INSERT INTO many SELECT seq, repeat('x', 500) FROM seq_1_to_60000`)
    })

    it('that ends early leaves the snapshot as it was', async () => {
      await view([many], async (open) => {
        for await (const batch of open.read('many', { from: null, to: null })) {
          expect(batch.rows).toBeGreaterThan(100)
          break
        }
        expect(await readLines(open, 'many', { from: '[59999]', to: null })).toHaveLength(2)
        expect((await readLines(open, 'many')).length).toBe(60_000)
      })
    })

    it('that is aborted does too', async () => {
      await view([many], async (open) => {
        const abort = new AbortController()
        const reading = (async () => {
          for await (const batch of open.read('many', { from: null, to: null }, { signal: abort.signal })) {
            abort.abort()
            await delay(20)
            void batch
          }
        })()
        await expect(reading).rejects.toMatchObject({ code: 'E_ABORTED' })
        expect(await open.estimate('many')).toMatchObject({ rows: expect.any(Number) })
      })
    })

    it('that is going on when the view is closed fails', async () => {
      const open = await openView(lane.connections, mappingOf(many))
      const reading = (async () => {
        for await (const batch of open.read('many', { from: null, to: null })) {
          await open.close()
          void batch
        }
      })()
      await expect(reading).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    })

    it('waits for its consumer', async () => {
      await view([many], async (open) => {
        let rows = 0
        for await (const batch of open.read('many', { from: null, to: null })) {
          rows += batch.rows
          await delay(2)
        }
        expect(rows).toBe(60_000)
      })
    })

    it('fails when its connection is killed, and the pool goes on', async () => {
      const open = await openView(lane.connections, mappingOf(many))
      const reading = (async () => {
        for await (const batch of open.read('many', { from: null, to: null })) {
          const others = await db.query<{ id: number }>(`SELECT id FROM information_schema.PROCESSLIST WHERE db = '${db.name}' AND id <> CONNECTION_ID()`)
          for (const { id } of others) await db.query(`KILL CONNECTION ${id}`).catch(() => {})
          void batch
        }
      })()
      await expect(reading).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
      await expect(readLines(open, 'many')).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
      await open.close()
      expect(await view([many], (again) => readLines(again, 'many', { from: '[60000]', to: null }))).toHaveLength(1)
    })
  })

  describe('checking', () => {
    const shop = table('shop', 'id name')
    const low: KeyRange = { from: null, to: '[100]' }
    const high: KeyRange = { from: '[100]', to: null }
    const recall = () => view([shop], async (open) => [await remember(open, 'shop', low), await remember(open, 'shop', high)])
    const check = (known: readonly KnownRange[], entity = shop) => view([entity], (open) => checkAll(open, 'shop', known))
    const fresh = async () => {
      await db.query(`DROP TABLE IF EXISTS shop; CREATE TABLE shop (id int PRIMARY KEY, name varchar(20)); INSERT INTO shop SELECT seq, seq FROM seq_1_to_200`)
      return recall()
    }
    const answer = (state: string, more: object = {}) => expect.objectContaining({ state, ...more })
    const same = (rows: number) => answer('unchanged', { rows, method: 'digest-128' })

    it('finds ranges unchanged', async () => {
      const known = await fresh()
      expect(await check(known)).toEqual([same(99), same(101)])
    })

    it.each([
      ['an update', `UPDATE shop SET name = 'new' WHERE id = 150`, 'digest'],
      ['NULL for an empty text', `UPDATE shop SET name = NULL WHERE id = 150`, 'digest'],
      ['another case', `UPDATE shop SET name = 'A' WHERE id = 150`, 'digest'],
      ['an insert', `INSERT INTO shop VALUES (999, 'x')`, 'rows'],
      ['a delete', `DELETE FROM shop WHERE id = 150`, 'rows'],
      ['one row for another', `DELETE FROM shop WHERE id = 150; INSERT INTO shop VALUES (1000, '150')`, 'digest'],
    ])('finds %s, in its range alone', async (_, sql, reason) => {
      const known = await fresh()
      await db.query(sql)
      expect(await check(known)).toEqual([same(99), answer('changed', { method: 'digest-128', reason })])
    })

    it('compares lines where there is no digest, or the columns changed', async () => {
      const known = await fresh()
      const bare = known.map(({ digest: _digest, ...rest }) => rest)
      expect(await check(bare)).toEqual([answer('unchanged', { method: 'sha256' }), answer('unchanged', { method: 'sha256' })])
      expect(await check(bare.map((range) => ({ ...range, sha256: null })))).toEqual([answer('unknown'), answer('unknown')])
      await db.query(`ALTER TABLE shop MODIFY name varchar(30)`)
      expect(await check(known)).toEqual([answer('unchanged', { method: 'sha256' }), answer('unchanged', { method: 'sha256' })])
      await db.query(`UPDATE shop SET name = 'n' WHERE id = 5`)
      expect(await check(known)).toEqual([answer('changed', { method: 'sha256', reason: 'digest' }), answer('unchanged', { method: 'sha256' })])
    })

    it('compares lines where the digest is of an earlier form, and gives another for the next time', async () => {
      const known = (await fresh()).map((range) => ({ ...range, digest: `1:0123456789abcdef:${range.rows}:1:2` }))
      const answered = await check(known)
      expect(answered).toEqual(known.map(() => answer('unchanged', { method: 'sha256', digest: expect.stringMatching(/^3:/) })))
      expect(await check(known.map((range, at) => ({ ...range, digest: answered[at]!.digest! })))).toEqual([same(99), same(101)])
    })

    it('is undecided when the fields are others, or the evidence is of another kind', async () => {
      const known = await fresh()
      expect(await check(known, table('shop', 'id'))).toEqual([
        answer('unknown', { reason: 'evidence:fields' }),
        answer('unknown', { reason: 'evidence:fields' }),
      ])
      const foreign = known.map((range) => ({ ...range, evidence: { method: 'xmin', values: {} } }))
      expect(await check(foreign)).toEqual([answer('unknown', { reason: 'evidence:method' }), answer('unknown', { reason: 'evidence:method' })])
    })

    it('tells rows apart whose texts are one, as somebody could write them who had read the seed', async () => {
      const pair = table('pair', 'id name')
      await db.query(`CREATE TABLE pair (id varbinary(60) PRIMARY KEY, name varbinary(60)); INSERT INTO pair VALUES ('a', 'x'), ('m1', 'b')`)
      const known = await view([pair], (open) => remember(open, 'pair'))
      const [, seed] = known.digest!.split(':')
      await db.query(`DELETE FROM pair; INSERT INTO pair VALUES ('a', CONCAT('x0', x'${seed}', 'm')), ('b', NULL)`)
      expect(await view([pair], (open) => checkAll(open, 'pair', [known]))).toEqual([answer('changed', { reason: 'digest' })])
    })

    it('tells no digest of a range whose texts are longer than a packet of the server', async () => {
      const wide = table('wide', 'id name')
      const [{ packet } = { packet: 0 }] = await db.query<{ packet: number }>('SELECT @@max_allowed_packet AS packet')
      await db.query(
        `CREATE TABLE wide (id int PRIMARY KEY, name longtext); INSERT INTO wide SELECT seq, REPEAT('w', ${Math.floor(packet / 16)}) FROM seq_1_to_20`,
      )
      await view([wide], async (open) => {
        for (const [to, told] of [
          ['[3]', true],
          [null, false],
        ] as const) {
          const digester = open.digester!('wide')!
          for await (const batch of open.read('wide', { from: null, to }, { digests: true })) digester.add(batch)
          expect(digester.digest() !== undefined).toBe(told)
          const [asked] = await open.digests!('wide', [{ from: null, to }])
          expect(asked !== '').toBe(told)
        }
      })
    })

    it('finds order in tables of which a scan has none, to give the same digest again', async () => {
      const parts = table('parts', 'id name')
      const coded = table('coded', 'code name')
      await db.query(`
        CREATE TABLE parts (id int PRIMARY KEY, name varchar(20)) PARTITION BY HASH (id) PARTITIONS 7; INSERT INTO parts SELECT seq, seq FROM seq_1_to_500;
        CREATE TABLE coded (id int PRIMARY KEY, code varchar(20) NOT NULL UNIQUE, name varchar(20)); INSERT INTO coded SELECT seq, CONCAT(seq MOD 7, '-', seq), seq FROM seq_1_to_500`)
      for (const entity of [parts, { ...coded, key: ['code'] }]) {
        const known = await view([entity], async (open) => {
          const digester = open.digester!(entity.name)!
          for await (const batch of open.read(entity.name, EVERYTHING, { digests: true })) digester.add(batch)
          return { ...(await remember(open, entity.name)), digest: digester.digest()! }
        })
        await db.query('CREATE TABLE IF NOT EXISTS elsewhere (id int); INSERT INTO elsewhere VALUES (1)')
        expect(await view([entity], (open) => checkAll(open, entity.name, [known]))).toEqual([answer('unchanged', { rows: 500, method: 'digest-128' })])
      }
    })

    it('gives each digest a seed of its own', async () => {
      await fresh()
      const [one, two] = await view([shop], (open) => open.digests!('shop', [low, low]))
      expect(one).not.toBe(two)
    })
  })
})
