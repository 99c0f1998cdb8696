import { expect, test } from 'vitest'
import { canonicalJson, CanonicalJson } from '../../src/kernel/canonical-json.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { readRowPages, RowPageWriter } from '../../src/restore/row-pages.ts'
import { memoryRepository } from '../support/archive-rig.ts'
import { failure } from '../support/failure.ts'

type Row = readonly [string, string, string | null]

const log = async () => (await memoryRepository()).scope(null).restores

async function readAll<R>(pages: AsyncIterable<R>): Promise<readonly R[]> {
  const rows: R[] = []
  for await (const row of pages) rows.push(row)
  return rows
}

/** 9 MB of rows, with all that could be taken for the end of one. */
const rows = Array.from({ length: 12_000 }, (_, at): Row => [
  'update',
  `[${at}]`,
  at % 7 === 0 ? null : `{"id":${at},"note":"\\",[]}{ größer ${'x'.repeat(at % 1500)}"}`,
])

test('rows come back as they were, from pages that are JSON as a whole', async () => {
  const [restores, id] = [await log(), uuidv7()]
  const place = { log: restores, id, part: 'undo-rows' as const, next: 0 }
  const writers = [new RowPageWriter(place, {}), new RowPageWriter(place, {})]
  for (const row of rows) {
    await writers[0]!.add(row)
    await writers[1]!.add(row[2])
  }
  const [all, lines] = [await writers[0]!.end(), await writers[1]!.end()]
  expect(all.length).toBeGreaterThan(3)
  expect(new Set([...all, ...lines]).size).toBe(all.length + lines.length)
  expect(await readAll(readRowPages<Row>(place, all, {}))).toEqual(rows)
  expect(await readAll(readRowPages<string | null>(place, lines, {}))).toEqual(rows.map(([, , line]) => line))
  const first = (await restores.readPart(id, 'undo-rows', all[0]!)) as { readonly rows: readonly Row[] }
  expect(first).toEqual({ id, page: all[0], rows: rows.slice(0, first.rows.length) })
  expect(Buffer.from(await restores.readPartText(id, 'undo-rows', all[0]!)).toString()).toBe(canonicalJson(first))
  // What is in memory of all rows, on either way: several such pages at once.
  for (const page of all) expect((await restores.readPartText(id, 'undo-rows', page)).byteLength).toBeLessThan(1.2 * 1024 * 1024)
  expect(await new RowPageWriter(place, {}).end()).toEqual([])
})

test('a page that is not one of rows is refused', async () => {
  const [restores, id] = [await log(), uuidv7()]
  const place = { log: restores, id, part: 'plan-rows' as const }
  const texts = ['{}', `{"id":"${id}","page":1,"rows":{}}`, `{"id":"${id}","page":7,"rows":[1]}`, `{"id":"${id}","page":3,"rows":[1,,2]}`]
  for (const [page, text] of texts.entries()) {
    await restores.writePart(id, 'plan-rows', page, new CanonicalJson(Buffer.from(text)))
    await failure(readAll(readRowPages(place, [page], {})), 'E_ARCHIVE_CORRUPT')
  }
  await failure(readAll(readRowPages(place, [9], {})), 'E_ARCHIVE_MISSING')
})
