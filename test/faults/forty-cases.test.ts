import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../architecture/source-files.ts'

const rows = readFileSync(join(ROOT, 'test/faults/README.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d\d \|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))

test('the table has the forty faults, each once', () => {
  expect(rows.map(([, number]) => number)).toEqual(Array.from({ length: 40 }, (_, n) => String(n + 1).padStart(2, '0')))
})

test.each(rows.map((cells) => [cells[1]!, cells[2]!, cells[4]!] as const))('case %s: %s: is proved by tests that exist', (number, _fault, proofs) => {
  const named = proofs.split('<br>')
  expect(named.length).toBeGreaterThan(0)
  for (const proof of named) {
    const [, file, title] = /^`([^`]+)`: (.+)$/.exec(proof) ?? []
    expect(file, proof).toBeDefined()
    expect(readFileSync(join(ROOT, 'test', file!), 'utf8').includes(title!), proof).toBe(true)
    // So that `vitest -t 'case 07'` finds what proves it. The conformance suite is for users, who do not know these numbers.
    if (!file!.startsWith('../src/')) expect(title).toMatch(new RegExp(`\\bcase (\\d\\d, )*${number}\\b`))
  }
})
