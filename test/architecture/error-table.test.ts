import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../src/kernel/errors.ts'
import { ROOT, sourceFiles } from './source-files.ts'

const documented = [...readFileSync(join(ROOT, 'TECHNICAL.md'), 'utf8').matchAll(/^\| `(E_[A-Z_]+)` \| (.+?) \| (.+?) \| (yes|no) \|$/gm)].map((row) =>
  row.slice(1),
)

describe('the error table', () => {
  it('is in TECHNICAL.md word for word, and nothing more', () => {
    expect(documented).toEqual(Object.entries(ERRORS).map(([code, { summary, hint, retryable }]) => [code, summary, hint, retryable ? 'yes' : 'no']))
  })

  it('has no code that nothing throws', () => {
    const thrown = sourceFiles('src', 'adapters', 'web')
      .filter(({ path }) => path !== 'src/kernel/errors.ts')
      .map(({ text }) => text)
      .join('\n')
    expect(Object.keys(ERRORS).filter((code) => !thrown.includes(`'${code}'`))).toEqual([])
  })
})
