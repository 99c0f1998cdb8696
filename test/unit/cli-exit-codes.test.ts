import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EXIT_CODE_OF, EXIT_CODES } from '../../src/cli/exit-codes.ts'
import { ERRORS } from '../../src/kernel/errors.ts'
import { ROOT } from '../architecture/source-files.ts'

describe('the exit codes', () => {
  it('have one for every error, and for nothing else', () => {
    expect(Object.keys(EXIT_CODE_OF).sort()).toEqual(Object.keys(ERRORS).sort())
  })

  it('are all explained, and no error exits with 0', () => {
    const used = [...new Set(Object.values(EXIT_CODE_OF))]
    expect(used.filter((code) => !(code in EXIT_CODES))).toEqual([])
    expect(used).not.toContain(0)
    expect(Object.keys(EXIT_CODES).filter((code) => code !== '0' && !used.map(String).includes(code))).toEqual([])
  })

  it('are in TECHNICAL.md as the code has them', () => {
    const rows = [...readFileSync(join(ROOT, 'TECHNICAL.md'), 'utf8').matchAll(/^\| (\d+) \| (.+?) \| (.*?) \|$/gm)].map((row) => row.slice(1))
    const expected = Object.entries(EXIT_CODES).map(([exit, meaning]) => {
      const codes = Object.entries(EXIT_CODE_OF).filter(([, code]) => String(code) === exit)
      return [exit, meaning, codes.map(([code]) => `\`${code}\``).join(', ')]
    })
    expect(rows).toEqual(expected)
  })
})
