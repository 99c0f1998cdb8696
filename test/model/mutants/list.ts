/** A guard of the product, broken on purpose. */
export interface Mutant {
  readonly name: string
  readonly file: string
  /** Stands in the file once. */
  readonly from: string
  readonly to: string
  /** Databases whose histories can see it. */
  readonly dialects: readonly string[]
  /** What else may kill it, when histories do not: a condition that no history can bring about. */
  readonly tests: readonly string[]
}

/** Guards behind which another one stands, or that nothing here can bring about: they may survive. */
export const COVERED: Readonly<Record<string, string>> = {
  'adapters/sql/postgres/heap-facts.ts: missing values': 'a missing value only changes with the number of its column',
  'adapters/sql/postgres/heap-facts.ts: column numbers': 'a column under its old name has another missing value, or was rewritten',
  'adapters/sql/postgres/heap-facts.ts: generation expressions': 'a change of expression rewrites the table (PostgreSQL 17)',
  'adapters/sql/postgres/heap-facts.ts: versions of extensions': 'needs an extension that prints another text after an update',
  'adapters/sql/postgres/heap-facts.ts: other table access methods': 'needs another table access method',
  'adapters/sql/postgres/snapshot-facts.ts: standbys': 'a standby is another server process, and started at another time',
  'adapters/sql/mysql/check.ts: fewer lines': 'fewer lines have another hash',
  'adapters/sql/mysql/digest-form.ts: digests of another form': 'two forms are never equal, and the range is read',
  'adapters/sql/postgres/snapshot-facts.ts: foreign heaps': 'needs Citus or TimescaleDB',
  'src/export/base-images.ts: another bucket': 'chunks that the bucket does not have are dropped (drop-missing)',
  'src/export/amend-range.ts: keys that stand twice': 'the delta then has not the rows that were counted (store-delta)',
  'src/export/amend-range.ts: a pause in the middle of a range': 'reading the range whole asks at once whether to pause',
  'src/export/store-delta.ts: layers without the rows that were counted': 'needs a view that counts wrongly',
  'adapters/sql/sqlite/check.ts: lines that were never together': 'no hash equals none, and the range is read either way',
  'src/archive/chunk-store.ts: what is found in place is not read back': 'the key index knows the hash of the stored chunk',
}

const group = (
  file: string,
  dialects: readonly string[],
  tests: readonly string[],
  mutations: readonly (readonly [name: string, from: string, to: string])[],
): Mutant[] => mutations.map(([name, from, to]) => ({ name: `${file}: ${name}`, file, from, to, dialects, tests }))

const [PG, SQLITE, MYSQL] = ['postgres', 'sqlite', 'mysql'] as const
const CHECK = ['test/unit/postgres-evidence.test.ts', 'test/integration/postgres-check.test.ts', 'test/integration/postgres-time-travel.test.ts']
const COUNT = [...CHECK, 'test/integration/export-guards.test.ts', 'test/integration/postgres-count-newer.test.ts', 'test/integration/postgres-changed.test.ts']
const ENGINE = [
  'test/integration/export-guards.test.ts',
  'test/integration/export-engine.test.ts',
  'test/integration/export-incremental.test.ts',
  'test/integration/export-deltas.test.ts',
  'test/unit/export-parts.test.ts',
]
const RECONCILE = ['test/unit/reconcile.test.ts', ...ENGINE]
const REWRITE = [
  'test/integration/erasure-rewrite-guards.test.ts',
  'test/integration/erasure-rewrite-bounds.test.ts',
  'test/faults/erasure-rewrite-kill.test.ts',
  'test/integration/erasure-rewrite.test.ts',
]
const REFERENCES = ['test/unit/archive-references.test.ts']
const PRUNE = [
  'test/unit/prune-decide.test.ts',
  'test/unit/condemned.test.ts',
  'test/integration/prune.test.ts',
  'test/integration/prune-writers.test.ts',
  'test/integration/prune-service.test.ts',
  'test/integration/retain.test.ts',
  'test/properties/prune.property.test.ts',
]

const TAKEN_UP = ['test/integration/staging-taken-up.test.ts', 'test/integration/postgres-staging-taken-up.test.ts']

const heapFact = (field: string) => [`${field} does not void`, `'${field}',`, ''] as const

export const MUTANTS: readonly Mutant[] = [
  ...group('adapters/sql/postgres/evidence.ts', [PG], CHECK, [
    ['the encoding does not void', `const SAME_LINES = ['encoding', `, `const SAME_LINES = [`],
    ['the fields do not void', `const SAME_LINES = ['encoding', 'fields', `, `const SAME_LINES = ['encoding', `],
    ['the scope does not void', `'fields', 'scope']`, `'fields']`],
    ...['systemId', 'database', 'timeline', 'role', 'postmasterStart', 'statisticsSince', 'relations', 'columns', 'types'].map(heapFact),
    ['collations do not void', `'types', 'collations', `, `'types', `],
    ['owners do not void', `'collations', 'owners']`, `'collations']`],
    ['any method is known', `return { trust: 'none', reason: 'evidence:method' }`, `return { trust: 'xmin', horizon: '3' }`],
    ['row versions speak whatever the method', `if (known.method !== 'xmin' || now.method !== 'xmin') return`, `if (false) return`],
    ['a log that went back', `if (lsnOf(known) > lsnOf(now)) return`, `if (false) return`],
    ['reserved ids as horizon', `horizon < 3n || `, ``],
    ['a horizon ahead', `distance < 0n || `, ``],
    ['a horizon too old', ` || distance >= OLDEST_HORIZON`, ``],
    ['the horizon is the newest id', `xmin: snapshot.xmin,`, `xmin: snapshot.xmax,`],
    ['opaque heaps', `[heap, ...owners].some(({ opaque }) => opaque !== null) || snapshot.foreignHeap !== null ? 'sha256' : 'xmin'`, `'xmin'`],
    ['opaque heaps of owners', `[heap, ...owners].some(`, `[heap].some(`],
  ]),
  ...group(
    'adapters/sql/postgres/row-age.ts',
    [PG],
    ['test/integration/postgres-row-age.test.ts', ...COUNT],
    [
      ['a row as young as the horizon', '<= ${horizonAge})`', '< ${horizonAge})`'],
      ['the youngest as young as the horizon', 'Number(youngest) <= Number(horizonAge)', 'Number(youngest) < Number(horizonAge)'],
      ['a horizon beyond telling, by rows', '(${horizonAge} < 0 OR ', '('],
      ['a horizon beyond telling, by groups', 'Number(horizonAge) < 0 || ', ''],
      ['signed ages', '`(age(${alias}.xmin)::bigint & 4294967295)`', '`age(${alias}.xmin)::bigint`'],
    ],
  ),
  ...group(
    'adapters/sql/postgres/written-since.ts',
    [PG],
    [...COUNT, 'test/integration/postgres-written-since.test.ts'],
    [
      ['a row of the horizon itself', 'if (from <= to) return `(${id} >= ', 'if (from <= to) return `(${id} > '],
      ['ids that wrapped around', 'if (from <= to)', 'if (true)'],
      ['reserved ids', 'OR ${id} >= ${bytes(FIRST_ID)} AND', 'OR'],
    ],
  ),
  ...group('adapters/sql/postgres/count-newer.ts', [PG], COUNT, [
    ['ranges with newer rows', `.includes('1')`, `.includes('2')`],
    ['newer rows where all are counted together', `newer: total.newerRows > 0`, `newer: false`],
    ['ranges without newer rows are never counted', `if (sum !== Number(found!.n)) for`, `if (sum < 0) for`],
    ['ranges of several snapshots', `if (horizons.size !== 1 || !horizon) return null`, ``],
    ['ranges that do not adjoin', `if (!intervals.adjoin(asked)) return null`, ``],
  ]),
  ...group('adapters/sql/postgres/check.ts', [PG], COUNT, [
    ['the number of rows', `if (rows !== known.rows) return { ...changed, reason: 'rows' }`, ``],
    ['newer rows', `count.newer ? { ...changed, reason: 'xmin' } : `, ``],
    ['the hash of the lines', `(await ports.digest(known.range, options)) === known.sha256`, `(await ports.digest(known.range, options)) !== ''`],
    ['ranges whose lines cannot be compared', `if (verdict.trust === 'none') return`, `if (false) return`],
  ]),
  ...group('adapters/sql/postgres/heap-facts.ts', [PG], CHECK, [
    ['rewritten tables', `format('%s:%s', c.oid, c.relfilenode)`, `format('%s:', c.oid)`],
    ['other tables', `format('%s:%s', c.oid, c.relfilenode)`, `format('x%s', 1)`],
    ['partitions', ` UNION SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid),\n  col AS`, `),\n  col AS`],
    ['missing values', `CASE WHEN col.atthasmissing THEN col.attmissingval::text END`, `NULL`],
    ['column numbers', `format('%s.%s %L %s(%s) %s %s%L%L', col.attrelid, col.attnum, `, `format('%s.%s %L %s(%s) %s %s%L%L', col.attrelid, 1, `],
    ['generation expressions', `CASE WHEN col.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END`, `NULL`],
    ['enum labels', `string_agg(format('%s %L', e.enumsortorder, e.enumlabel)`, `string_agg(format('%s', e.enumsortorder)`],
    ['element types', `SELECT t.typelem AS oid WHERE t.typelem <> 0`, `SELECT t.typelem AS oid WHERE false`],
    ['base types', `SELECT t.typbasetype WHERE t.typbasetype <> 0`, `SELECT t.typbasetype WHERE false`],
    ['composite attributes', `WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0)) ||`, `WHERE false)) ||`],
    ['versions of extensions', `|| coalesce(x.version, '')`, ``],
    ['versions of collations', `format('%s %s %L', o.oid, o.collprovider, pg_collation_actual_version(o.oid))`, `'x'`],
    ['other table access methods', `THEN 'storage'`, `THEN NULL`],
    ['types that print the catalog', `THEN 'catalog-type' END`, `THEN NULL END`],
  ]),
  ...group('adapters/sql/postgres/snapshot-facts.ts', [PG], CHECK, [
    ['the system', `(SELECT system_identifier::text FROM pg_control_system())`, `'1'`],
    ['the database', `'databaseOid', d.oid::text`, `'databaseOid', '1'`],
    ['the timeline', `ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END`, `ELSE '1' END`],
    ['standbys', `'role', CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END`, `'role', 'primary'`],
    ['restarts', `(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text`, `'1'`],
    ['crashes', `coalesce((extract(epoch FROM stats_reset) * 1000000)::bigint::text, '')`, `'1'::text`],
    ['foreign heaps', `(SELECT min(extname) FROM pg_extension WHERE extname IN ('citus', 'timescaledb'))`, `NULL`],
  ]),
  ...group('src/reconcile/reconcile.ts', [PG, SQLITE], RECONCILE, [
    ['changed ranges are reused', `yield state.state === 'unchanged'`, `yield state.state !== 'unknown'`],
    ['undecided ranges are reused', `yield state.state === 'unchanged'`, `yield state.state !== 'changed'`],
    ['ranges without an answer are left out', `if (!answered.has(index)) yield`, `if (false) yield`],
    ['answers out of turn', `if (!entry || answered.has(state.index)) throw outOfTurn(entity, state)`, `if (!entry) continue`],
    [
      'unknown pieces are left out',
      `for (const range of undivided ? await split(options) : unknown) {`,
      `for (const range of undivided ? await split(options) : unknown.slice(1)) {`,
    ],
    ['parts that do not cover the keys', `if (range.from !== expected || (range.to === null) !== last) throw`, `if (false) throw`],
    ['no parts at all', `if (ranges.length === 0) throw`, `if (false) throw`],
    ['the rest of a table that was cut is taken for undivided', `known.length === 0 && unknown.length === 1 && parts > 1`, `known.length === 0 && parts > 1`],
  ]),
  ...group('src/reconcile/key-image.ts', [PG, SQLITE], RECONCILE, [
    ['what is cut stays known', `    node.next = rest\n    node.known = null`, `    node.next = rest`],
    ['what is joined stays known', `    first.next = last.next\n    first.known = null`, `    first.next = last.next`],
    ['ranges beyond their piece', `if (range.to === null || this.#byStart.has(range.to)) throw new RangeError`, `if (false) throw new RangeError`],
    ['bounds that were joined away', `for (const { from } of joined) this.#byStart.delete(from)`, ``],
    ['entries that do not pass', `if (node.known !== null && !passes(node.known)) node.known = null`, ``],
  ]),
  ...group('src/export/choose-base.ts', [SQLITE], ENGINE, [
    ['snapshots of other series', `if (manifest.series === series && !manifest.origin) return manifest`, `return manifest`],
    ['a differential builds on the newest', `kind === 'differential' ? await latestFull(scope, newest, { signal }) : newest`, `newest`],
    ['auto never takes a full by age', `if (days >= policy.fullAfterDays) return`, `if (false) return`],
    ['auto never takes a full by count', `if (lineage.distance + 1 >= policy.fullAfterSnapshots) return`, `if (false) return`],
    ['auto does not heed the schema', `if (schemaFingerprint(entities) !== newest.schemaFingerprint) return`, `if (false) return`],
    ['the distance to the full stands still', `distance: lineage.distance + 1 }`, `distance: lineage.distance }`],
    ['auto fails where nothing can be read', `if (kind !== 'auto' || !unreadable) throw error`, `throw error`],
    ['an incremental builds on what can be read', `if (kind !== 'auto' || !unreadable) throw error`, `if (!unreadable) throw error`],
    ['a full that was deleted', `if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) return null`, ``],
    ['the oldest instead of the newest', `for (const id of ids.toReversed()) {`, `for (const id of ids) {`],
  ]),
  ...group('src/export/base-images.ts', [PG, SQLITE], ENGINE, [['another bucket', ` || entity.bucket !== bucket`, ``]]),
  ...group('src/export/replay-journal.ts', [PG, SQLITE], RECONCILE, [
    ['another schema', `this.#sound && schema === this.#schema ?`, `this.#sound ?`],
    ['a journal that does not fit', `this.#sound && schema === this.#schema ?`, `schema === this.#schema ?`],
    ['a journal of another schema', `if (schema !== this.#schema) {`, `if (false) {`],
  ]),
  ...group(
    'src/export/diff-keys.ts',
    [PG, SQLITE],
    ['test/unit/export-diff-keys.test.ts', ...ENGINE],
    [
      ['a key twice in the live range', `if (above === live[atLive - 1] || below === base[atBase - 1]) return null`, ``],
      ['a new key twice', `if (above === live[atLive - 1]) return null`, ``],
      ['updated rows', `if (changed.has(above)) changes.push({ do: 'upsert', key: above })`, ``],
      ['where new rows stand', `if (!anchored) changes.push`, `if (false) changes.push`],
      ['an anchor holds on', `      anchored = false\n`, ``],
      ['deleted rows', `changes.push({ do: 'delete', key: below })`, ``],
      ['live rows that are left over', `} else return null`, `} else atLive++`],
      ['new keys that stood in the base', `changed.has(key) && !(inBase ??= new Set(base)).has(key)`, `changed.has(key)`],
    ],
  ),
  ...group(
    'src/export/amend-range.ts',
    [SQLITE],
    ['test/unit/export-diff-keys.test.ts', ...ENGINE],
    [
      ['rows that differ', `if (before?.equals(lineOf(batch, row)) === true) continue`, `if (before) continue`],
      ['a range that is what it was', `if (sha256 === known.sha256) {`, `if (live.size === known.rows) {`],
      ['keys that stand twice', `return lines.size === rows ? lines : null`, `return lines`],
      ['a pause in the middle of a range', `if (!ended && options.pausing()) {`, `if (false) {`],
      ['a range held in part only', `if (ended && (await storeDifference(`, `if ((await storeDifference(`],
      [
        'stored lines that cannot be read',
        `if (!base) return false`,
        `if (!base) return storeDelta(copy, known, [], live, { rows: live.size, sha256 }, options)`,
      ],
    ],
  ),
  ...group('src/export/store-delta.ts', [PG, SQLITE], ENGINE, [
    ['layers without the rows that were counted', `if (entry.rows !== rows) return null`, ``],
    ['layers are never folded', `if (!shouldFold(entry)) return [entry]`, `return [entry]`],
  ]),
  ...group('src/export/delta-run.ts', [PG], ENGINE, [
    ['rows that came or went', `if (!ahead && range.rows === range.known.rows) {`, `if (!ahead) {`],
    ['new keys among the changed ones', `if (updated) return [...changed]`, `return [...changed]`],
    ['rows of the next range', `while (taken === run[at]?.changedRows) {\n        at++`, `while (taken > (run[at]?.changedRows ?? 0)) {\n        at++`],
  ]),
  ...group('src/export/drop-missing.ts', [SQLITE], ENGINE, [
    ['chunks that are gone', `if (!(await holds(() => chunks.verify(ref, { level: 'presence', signal: options.signal })))) missing.add(ref.name)`, ``],
    ['condemned chunks', `(['E_ARCHIVE_MISSING', 'E_ARCHIVE_CORRUPT', 'E_CONDEMNED'] as const)`, `(['E_ARCHIVE_MISSING', 'E_ARCHIVE_CORRUPT'] as const)`],
  ]),
  ...group(
    'src/archive/chunk-store.ts',
    [SQLITE],
    [...PRUNE, ...ENGINE, 'test/unit/archive-chunks.test.ts'],
    [
      ['a writer takes a condemned name', `if (taboo?.has(name)) continue`, ``],
      ['a commit refers to condemned chunks', `if (condemned) assertNotCondemned(refs, await condemned.refresh({ signal }), space, names)`, ``],
      ['what is found in place is not read back', `for await (const _ of readOpenedChunk(opened, options.signal));`, ``],
      ['a damaged index is adopted', `if (!keys.find(chunk.firstKey)) return null`, ``],
    ],
  ),
  ...group('src/archive/bounds-builder.ts', [SQLITE], REFERENCES, [
    ['a value below the least', `else if (above < 0 && compareValues(bytes, start, end, least.bytes, 0, least.length) < 0) hold(least, bytes, start, end)`, ``],
    ['a value that is too long', `if (end - start > BOUND_BYTES) known = false`, `if (end - start > BOUND_BYTES) return`],
  ]),
  ...group('src/archive/reference-search.ts', [SQLITE], REFERENCES, [
    ['fields of which nothing is known', `bounds === undefined ||`, `bounds !== undefined &&`],
    ['the greatest value', `compareWhole(first, Buffer.from(greatest)) <= 0`, `compareWhole(first, Buffer.from(greatest)) < 0`],
    ['values after the first', `low = middle + 1`, `return undefined`],
  ]),
  ...group('src/archive/find-referring.ts', [SQLITE], REFERENCES, [
    ['what a delta brought', `layers.filter((layer) => search.mayBeIn(layer))`, `layers.slice(0, 1).filter((layer) => search.mayBeIn(layer))`],
    ['frames of one layer of several', `return layers.length === 1 && only &&`, `return only &&`],
  ]),
  ...group('src/archive/chunk-assembler.ts', [SQLITE], REFERENCES, [['the other frames', `boundsOf(field, bounds)`, `boundsOf(field, bounds.slice(0, 1))`]]),
  ...group('src/archive/chunk-reader.ts', [SQLITE], REFERENCES, [
    ['other bounds than those of the index', `if (own && (own.least !== bounds.least || own.greatest !== bounds.greatest))`, `if (index.rows < 0)`],
  ]),
  ...group(
    'src/retention/decide-retention.ts',
    [SQLITE],
    ['test/unit/retention-decide.test.ts'],
    [
      ['limits take what is held', `snapshot === newest || snapshot.held || tagged.has(snapshot)`, `snapshot === newest || tagged.has(snapshot)`],
      ['limits take what is tagged', `snapshot === newest || snapshot.held || tagged.has(snapshot)`, `snapshot === newest || snapshot.held`],
      ['limits take the newest', `snapshot === newest || snapshot.held || tagged.has(snapshot)`, `snapshot.held || tagged.has(snapshot)`],
    ],
  ),
  ...group('src/erasure/rewrite-snapshot.ts', [], REWRITE, [
    [
      'ranges that were rewritten count as proved',
      `ranges.push(unproven({ ...made, from: range.from, to: range.to }))`,
      `ranges.push({ ...made, from: range.from, to: range.to, evidence: 0 })`,
    ],
    [
      'a bound moves and the range before counts as proved',
      `bounded[bounded.length - 1] = unproven({ ...before, to: from })`,
      `bounded[bounded.length - 1] = { ...before, to: from }`,
    ],
    ['bounds that are keys of the erased', `if (before === undefined || range.from === null || !isErased(range.from))`, `if (before === undefined || true)`],
    ['how many records are left', `if (totals.rows !== entity.rows - erased.size)`, `if (false)`],
  ]),
  ...group('src/erasure/held-records.ts', [], REWRITE, [
    ['lines beneath later layers', `for (const layer of layers) {\n          const looked`, `for (const layer of layers.slice(-1)) {\n          const looked`],
    ['what reading leaves out is taken from all layers', `layered ? await erasedOfSnapshot(snapshot, options) : lines`, `lines`],
  ]),
  ...group('src/catalog/mark.ts', [], REWRITE, [
    ['what stands in the place of another is damaged', `if (last && !last.hidden && last.whole)`, `if (last && !last.hidden)`],
  ]),
  ...group('src/archive/rewritten-evidence.ts', [], REWRITE, [
    ['nothing is proved of what was rewritten', `return evidence.method !== REWRITTEN.method`, `return evidence !== REWRITTEN || true`],
  ]),
  ...group('src/catalog/guards.ts', [], PRUNE, [
    [
      'a series of which something is there',
      `if (!first) return null\n  const count`,
      `if (first !== undefined || first === undefined) return null\n  const count`,
    ],
  ]),
  ...group(
    'src/service/snapshot-holds.ts',
    [],
    ['test/integration/audit.test.ts'],
    [['a release is noted before it is one', `          await audit.write(`, `          void audit.write(`]],
  ),
  ...group(
    'src/archive/snapshot-log.ts',
    [],
    ['test/integration/audit.test.ts'],
    [['a deletion is noted', `if (!(await space.stat(object, options)))`, `if (await space.stat(object, options))`]],
  ),
  ...group(
    'src/compare/value-order.ts',
    [],
    ['test/integration/where-values.test.ts', 'test/unit/snapshot-reader.test.ts'],
    [
      [
        'numbers that were rounded',
        `typeof operand === 'number' && (!Number.isFinite(operand) ||`,
        `typeof operand === 'number' && (false && !Number.isFinite(operand) &&`,
      ],
      [
        'texts that mean a time, in SQLite',
        `isTemporal(field) && (operand instanceof Date || typeof operand === 'string')`,
        `isTemporal(field) && operand instanceof Date`,
      ],
    ],
  ),
  ...group(
    'src/compare/merge-records.ts',
    [],
    ['test/properties/match-records.property.test.ts'],
    [
      ['records before', `leftAscends(leftKey)`, `void leftAscends`],
      ['records after', `rightAscends(rightKey)`, `void rightAscends`],
    ],
  ),
  ...group(
    'src/restore/check-selection.ts',
    [],
    ['test/integration/stories/selection.test.ts'],
    [['keys that nobody gave', `if (Object.hasOwn(pick, option)) expect(`, `if (false) expect(`]],
  ),
  ...group(
    'src/restore/resolve-rows.ts',
    [],
    ['test/integration/stories/guarded.test.ts'],
    [['resolvers that nobody asks', `if (isAsked) continue`, `continue`]],
  ),
  ...group(
    'src/restore/merge-stores.ts',
    [],
    ['test/integration/stories/guarded.test.ts'],
    [['a restore of nothing', `if (absent === 0 || done + unchanged > 0) return`, `if (absent + done + unchanged >= 0) return`]],
  ),
  ...group(
    'src/restore/mask-shapes.ts',
    [],
    ['test/integration/masked-restore.test.ts'],
    [
      ['the database of the snapshot', `if (database === source.database)`, `if (false)`],
      ['the tables of the snapshot', `if (same.length === 0) return`, `if (same.length >= 0) return`],
    ],
  ),
  ...group('src/service/rewrite-erased.ts', [], REWRITE, [
    ['an id that is hidden', `if (await scope.isHidden(snapshotId, options)) continue`, ``],
    ['what is held when the old one is hidden', `await assertNotHeld(scope, id, options)`, ``],
    ['writers do not hear of it', `condemned += await condemn(parts, replaced, found, { signal })`, ``],
    ['what others refer to is condemned', `if (!staying.has(name)) known.names.add(name)`, `known.names.add(name)`],
  ]),
  ...group(
    'src/catalog/retain.ts',
    [SQLITE],
    ['test/integration/retain.test.ts'],
    [['what is held while retention decides', `await assertNotHeld(scopes.get(id)!, id, { signal })`, ``]],
  ),
  ...group(
    'src/service/discovery-service.ts',
    [SQLITE],
    ['test/integration/fastify-retention.test.ts'],
    [['what is held is deleted', `await assertNotHeld(scope, id, options)`, ``]],
  ),
  ...group(
    'adapters/s3/s3-driver.ts',
    [SQLITE],
    ['test/unit/s3-storage.test.ts'],
    [['a service is believed to check what bodies are signed with', `bytes <= place.partBytes && (await sumToUse(signal)) === 'signature'`, `true`]],
  ),
  ...group('src/catalog/decide.ts', [SQLITE], PRUNE, [
    ['the future', `if (group.youngest > now) return { action: 'keep', reason: 'future' }`, ``],
    ['chunks stored again since', `condemnedAt !== undefined && group.youngest <= condemnedAt`, `condemnedAt !== undefined`],
    ['the grace period', `if (listed && condemnedAt + graceMs <= now)`, `if (listed)`],
    ['nothing is condemned before it goes', `if (listed && condemnedAt + graceMs <= now)`, `if (!listed || condemnedAt! + graceMs <= now)`],
    ['young chunks', `if (reason === 'unreferenced' && now - group.youngest < Math.min(YOUNG_MS, graceMs))`, `if (false)`],
    ['hidden snapshots that are held', `held ? { action: 'keep', reason: held } : judge(`, `judge(`],
    [
      'open sessions',
      `if (!marks.openSessions.has(id) && isExpired(group.youngest, now)) yield decision('session'`,
      `if (!marks.openSessions.has(id)) yield decision('session'`,
    ],
    ['visible snapshots', `    if (hiddenAt === null) {`, `    if (hiddenAt === null && manifestAt === null) {`],
    ['chunks that something refers to', `if (!marks.chunks.has(name)) yield`, `yield`],
    ['lists that are still heeded', `sweptAt + graceMs <= now\n`, `sweptAt <= now\n`],
    ['pins', `if (now - storedAt > PIN_LIFETIME_MS)`, `if (true)`],
    ['the latest list counts', `Math.min(times.get(key) ?? at, at)`, `at`],
  ]),
  ...group('src/catalog/mark.ts', [SQLITE], PRUNE, [
    ['visible snapshots', `if (!fact.hidden) for (const name of fact.chunks.keys()) chunks.add(name)`, `if (false) chunks.add('')`],
    ['hidden snapshots of the future', `else if (isFuture(fact, group)) held.set(id, 'future')`, ``],
    ['the last one of a series', `if (!endedSeries.includes(facts.get(id)!.series)) held.set(id, 'newest-of-series')`, `void endedSeries`],
    ['series that live on', `.filter((snapshots) => snapshots.every(({ hidden }) => hidden))`, ``],
    ['the oldest one of a series', `isNewer(next, newest) ? next : newest`, `isNewer(next, newest) ? newest : next`],
    ['a last one that is not whole', `facts.filter(({ whole }) => whole)`, `facts`],
    ['parents of open sessions', `held.set(parent, 'open-session')`, `void parent`],
    ['holds', `for (const id of survey.holds) held.set(id, 'held')`, ``],
    ['pins', `if (survey.now - storedAt <= PIN_LIFETIME_MS) held.set(snapshotId, 'pinned')`, `void [snapshotId, storedAt]`],
    ['pins for ever', `if (survey.now - storedAt <= PIN_LIFETIME_MS) held.set(snapshotId, 'pinned')`, `held.set(snapshotId, 'pinned')`],
    ['chunks of what is held', `for (const id of held.keys()) for (const name of facts.get(id)?.chunks.keys() ?? []) chunks.add(name)`, ``],
    ['a manifest that cannot be read', `    throw error\n  }\n}\n\nfunction factsOf`, `    return null\n  }\n}\n\nfunction factsOf`],
    [
      'journals of open sessions',
      `for (const { range } of entries.flatMap(({ ranges = [] }) => ranges)) for (const { name } of range.layers) chunks.add(name)`,
      ``,
    ],
    ['sessions that have ended', `if (ended || recordAt === null || isExpired(recordAt, now)) continue`, `if (recordAt === null) continue`],
    ['sessions that could still commit', `SESSION_LIFETIME_MS + SESSION_MARGIN_MS`, `0`],
  ]),
  ...group('src/catalog/survey-lists.ts', [SQLITE], PRUNE, [
    ['prunes that may go by a damaged list', `runAt === null || runAt + SWEEP_WINDOW_MS < begun.now`, `true`],
    ['a list changed on the way is not damaged', `mayGo ? 2 : 1`, `1`],
    ['swept lists', `(open || alone)`, `open`],
  ]),
  ...group('src/archive/put-proven.ts', [SQLITE], ['test/unit/put-proven.test.ts'], [['what is not there', `if (problem === null) return`, `return`]]),
  ...group('src/catalog/guards.ts', [SQLITE], PRUNE, [
    ['referrers out of sight', `if (unseen !== undefined)`, `if (unseen === '')`],
    ['more than half', `goes * 2 > of`, `goes > of`],
  ]),
  ...group(
    'adapters/sql/sqlite/check.ts',
    [SQLITE],
    ['test/integration/sqlite-view.test.ts'],
    [
      ['the hash of the lines', `if (hash.digest('hex') !== known.sha256) return`, `if (false) return`],
      ['fewer rows', `if (rows < known.rows) return`, `if (false) return`],
      ['lines that were never together', `if (known.sha256 === null) return`, `if (false) return`],
    ],
  ),
  ...group(
    'adapters/sql/mysql/evidence.ts',
    [MYSQL],
    ['test/unit/mysql-evidence.test.ts', 'test/integration/mysql-view.test.ts', 'test/integration/mysql-position.test.ts'],
    [
      ['the encoding does not void', `['encoding', 'fields', 'scope']`, `['fields', 'scope']`],
      ['the fields do not void', `['encoding', 'fields', 'scope']`, `['encoding', 'scope']`],
      ['the scope does not void', `['encoding', 'fields', 'scope']`, `['encoding', 'fields']`],
      ['the columns do not void', `if (differs('columns')) return`, `if (false) return`],
      ['another server', `['systemId', 'table', 'created', 'owners']`, `['table', 'created', 'owners']`],
      ['another table', `['systemId', 'table', 'created', 'owners']`, `['systemId', 'created', 'owners']`],
      ['a table made anew', `['systemId', 'table', 'created', 'owners']`, `['systemId', 'table', 'owners']`],
      ['owners made anew', `['systemId', 'table', 'created', 'owners']`, `['systemId', 'table', 'created']`],
      ['the position is not looked at', `&& samePosition(before, after)) return`, `) return`],
      ['tables without transactions', `...(binlog && [entity, ...owners].every(({ transactional }) => transactional)`, `...(binlog`],
    ],
  ),
  ...group(
    'adapters/sql/mysql/binlog.ts',
    [MYSQL],
    ['test/integration/mysql-view.test.ts', 'test/integration/mysql-position.test.ts'],
    [
      ['another file', `a.file === b.file && `, ``],
      ['another position', `a.position === b.position && `, ``],
      ['replication', `a.applied === b.applied && `, ``],
      ['transactions that are in no log', ` && a.transactions === b.transactions`, ``],
      ['a restart', `Math.abs(Number(a.started) - Number(b.started)) <= 2`, `true`],
      ['filters of the log', `filters !== undefined && filters.Binlog_Do_DB === '' && filters.Binlog_Ignore_DB === ''`, `filters !== undefined`],
    ],
  ),
  ...group(
    'adapters/sql/mysql/check.ts',
    [MYSQL],
    ['test/integration/mysql-view.test.ts'],
    [
      ['the number of rows', `if (rows !== known.rows) return`, `if (false) return`],
      ['the digest', `return digest === before ?`, `return digest !== '' ?`],
      ['digests under other columns', `verdict.trust === 'digest' && before !== undefined`, `before !== undefined`],
      ['the hash of the lines', `if (hash.digest('hex') !== sha256) return`, `if (false) return`],
      ['fewer lines', `if (rows < knownRows) return`, `if (false) return`],
    ],
  ),
  ...group(
    'adapters/sql/mysql/digest.ts',
    [MYSQL],
    ['test/integration/mysql-view.test.ts', 'test/properties/mysql-lines.test.ts'],
    [['texts that could not be made', `said?.warnings === '0' ? `, `true ? `]],
  ),
  ...group(
    'adapters/sql/mysql/digest-form.ts',
    [MYSQL],
    ['test/integration/mysql-view.test.ts', 'test/properties/mysql-lines.test.ts'],
    [
      ['digests of another form', `format === FORMAT && `, ``],
      ['the hash', `:\${sha256}`, `:0`],
      ['how many values there are', `:\${values}:`, `:0:`],
      ['ranges that are too long', `this.#bytes >= this.#longest`, `false`],
    ],
  ),
  ...group('adapters/sql/prove-staged.ts', [], TAKEN_UP, [
    ['lines that were never staged', `if (hash.copy().digest('hex') !== ledger.sha256) return`, `if (false) return`],
  ]),
  ...group('adapters/sql/postgres/target/take-up-staged.ts', [], TAKEN_UP, [
    [
      'a table that is another, or was emptied',
      `const proved = (await isWhole(session, fitted, left)) ?`,
      `const proved = (await isWhole(session, fitted, left)) || true ?`,
    ],
  ]),
  ...group('adapters/sql/mysql/target/take-up-staged.ts', [], TAKEN_UP, [
    ['fewer records than were noted', `return row?.n === \`\${ledger.rows}\``, `return row?.n !== ''`],
  ]),
  ...group('adapters/sql/mysql/target/staging-area.ts', [], TAKEN_UP, [
    [
      'tables of a restore that lives',
      `if (owner !== own && !(await takeRestoreLock(statements, owner))) continue`,
      `if (owner !== own && (await takeRestoreLock(statements, owner), false)) continue`,
    ],
    [
      'the lock of tables that are taken over',
      `if (stay.length > 0) held.push(owner)\n    else if (owner !== own)`,
      `if (stay.length > 0) held.push(owner)\n    if (owner !== own)`,
    ],
  ]),
  ...group('adapters/sql/sqlite/target/take-up-staged.ts', [], TAKEN_UP, [
    ['fewer records than were noted', `return rows === ledger.rows`, `return rows >= 0`],
  ]),
  ...group('adapters/sql/sqlite/target/ledger-table.ts', [], TAKEN_UP, [
    ['another run of the system', `WHERE boot <> ?', [boot]) > 0)`, `WHERE boot <> ?', [boot]) < 0)`],
  ]),
  ...group(
    'adapters/sql/sqlite/scratch-file.ts',
    [],
    ['test/integration/sqlite-target.test.ts'],
    [['a stage that somebody holds', `  } catch {\n    return false\n  } finally {`, `  } catch {\n    return true\n  } finally {`]],
  ),
  ...group(
    'adapters/mikro-orm/knex-connections.ts',
    [],
    ['test/integration/knex-connections.test.ts'],
    [
      ['what could not be put back', 'if (destroy) close(client)', ''],
      ['what is being closed', "client.__knex__disposed = 'closed by Holdfast after a failure'", ''],
      ['what comes after the abort', '(late) => giveBack(pool, late)', '() => {}'],
    ],
  ),
  ...group(
    'adapters/mikro-orm/mikro-orm-store.ts',
    [],
    ['test/unit/mikro-orm-store.test.ts'],
    [
      ['replicas', ' || options.syncUrl', ''],
      ['options of Knex', '{ ...own, ...connection }', 'own'],
    ],
  ),
  ...group(
    'adapters/mikro-orm/mikro-orm-version.ts',
    [],
    ['test/unit/mikro-orm-store.test.ts'],
    [['versions never tested', 'first === 6 && second >= 6', 'first === 6']],
  ),
  ...group(
    'src/service/mask-records.ts',
    [],
    ['test/integration/export-masked.test.ts'],
    [
      ['what is mapped no more', 'if (lost.length > 0) throw', 'if (false) throw'],
      ['what is computed out of masked columns', `(generation === 'computed' ? [path] : [])`, `(generation === 'computed' ? [] : [])`],
    ],
  ),
  ...group(
    'src/service/named-restores.ts',
    [],
    ['test/integration/named-restores.test.ts'],
    [['the name of another restore', 'if (others.length === 0) return', 'if (others.length >= 0) return']],
  ),
]
