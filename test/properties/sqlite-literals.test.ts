import fc from 'fast-check'
import libsql from 'libsql'
import { expect, it } from 'vitest'
import { realLiteral } from '../../src/extract/sql-sqlite.ts'

// SQLite's own reading of decimals is off by one bit now and then, in about one of 5000.
it('every double that is written into a script for SQLite is read as that double', () => {
  const database = new libsql(':memory:')
  database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v REAL)')
  const double = fc.oneof(
    fc.double({ noNaN: true }),
    fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
    fc.integer().map((n) => n / 100),
    fc.constantFrom(5e-324, 2 ** -1022, 1.7976931348623157e308, -0, 0.1, 1e22, 1e23, 2 ** 53),
  )
  fc.assert(
    fc.property(fc.array(double, { minLength: 100, maxLength: 400 }), (values) => {
      database.exec(`DELETE FROM t; INSERT INTO t (v) VALUES ${values.map((value) => `(${realLiteral(value)})`).join(', ')}`)
      const read = database.prepare('SELECT v FROM t ORDER BY id').raw().all() as [number][]
      // SQLite keeps no sign of zero.
      expect(read.map(([value]) => value + 0)).toEqual(values.map((value) => value + 0))
    }),
    { numRuns: 100 },
  )
  database.close()
})
