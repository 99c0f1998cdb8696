import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyComparator } from '../../src/compare/key-comparator.ts'
import { matchRecords } from '../../src/compare/match-records.ts'
import { mergeRecords } from '../../src/compare/merge-records.ts'
import type { RecordPair } from '../../src/compare/record-pair.ts'
import type { RecordSource } from '../../src/compare/record-source.ts'

type Side = readonly { readonly id: number; readonly note: number }[]

const side = fc.uniqueArray(fc.record({ id: fc.integer({ min: 0, max: 60 }), note: fc.integer({ min: 0, max: 2 }) }), {
  selector: ({ id }) => id,
  maxLength: 50,
})

function source(rows: Side, pieceRows: number): RecordSource {
  return {
    async *open() {
      for (let at = 0; at < rows.length; at += pieceRows) {
        yield Buffer.from(
          rows
            .slice(at, at + pieceRows)
            .map((row) => `${JSON.stringify(row)}\n`)
            .join(''),
        )
      }
    },
  }
}

async function found(pairs: AsyncIterable<RecordPair>): Promise<string[]> {
  const all: string[] = []
  for await (const { key, before, after } of pairs)
    all.push(`${key} ${before ? Buffer.from(before).toString() : '-'} ${after ? Buffer.from(after).toString() : '-'}`)
  return all.sort()
}

function truth(before: Side, after: Side): string[] {
  const line = (row: Side[number] | undefined) => (row ? `${JSON.stringify(row)}\n` : '-')
  const ids = new Set([...before, ...after].map(({ id }) => id))
  return [...ids]
    .map((id) => [id, line(before.find((row) => row.id === id)), line(after.find((row) => row.id === id))] as const)
    .filter(([, was, is]) => was !== is)
    .map(([id, was, is]) => `[${id}] ${was} ${is}`)
    .sort()
}

const key = keyComparator(
  {
    key: ['id'],
    fields: [{ path: 'id', column: 'id', type: { kind: 'int' }, dbType: 'integer', nullable: false, optional: false }],
  },
  'postgres',
)!

describe('telling two sides of records apart', () => {
  it('matches sides in any order, within any memory, and tells each difference once', async () => {
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 3000 }), async (before, after, pieceRows, limitBytes) => {
        const pairs = matchRecords({ before: source(before, pieceRows), after: source(after, 3), keyFields: 1, limitBytes })
        expect(await found(pairs)).toEqual(truth(before, after))
      }),
      { numRuns: 300 },
    )
  })

  it('merges sides whose order is known', async () => {
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer({ min: 1, max: 7 }), async (before, after, pieceRows) => {
        const [left, right] = [before.toSorted((a, b) => a.id - b.id), after.toSorted((a, b) => a.id - b.id)]
        const pairs = mergeRecords({ before: source(left, pieceRows), after: source(right, 3), keyFields: 1, compare: key })
        expect(await found(pairs)).toEqual(truth(before, after))
      }),
      { numRuns: 200 },
    )
  })

  it('takes no side for one in order that is not', async () => {
    const rows = (...ids: number[]) => ids.map((id) => ({ id, note: 0 }))
    for (const [before, after] of [
      [rows(1, 3, 2), rows(1, 4)],
      [rows(1, 4), rows(1, 3, 2)],
    ] as const)
      await expect(found(mergeRecords({ before: source(before, 1), after: source(after, 1), keyFields: 1, compare: key }))).rejects.toMatchObject({
        code: 'E_ARCHIVE_CORRUPT',
      })
  })
})
