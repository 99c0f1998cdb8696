import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT, sourceFiles } from './source-files.ts'

it('tells in TECHNICAL.md of every type of line that the command line prints as JSON, and of no other', () => {
  const [, table = ''] = readFileSync(join(ROOT, 'TECHNICAL.md'), 'utf8').split('| `type` | when | members |')
  const rows = table.slice(0, table.indexOf('\n\n')).trim().split('\n').slice(1)
  const told = new Set(rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([a-z-]+)`/g)].map(([, type]) => type)))
  const printed = new Set(sourceFiles('src/cli').flatMap(({ text }) => [...text.matchAll(/\brecord\('([a-z-]+)'/g)].map(([, type]) => type)))
  expect(told).toEqual(printed)
})
