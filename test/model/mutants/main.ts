import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { COVERED, type Mutant, MUTANTS } from './list.ts'

/**
 * Breaks one guard after the other in a copy of the sources and runs histories, then the tests named for it: each must turn something red.
 * `node test/model/mutants/main.ts [part of a name …] --histories 20 --dialect sqlite`
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    histories: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    dialect: { type: 'string' },
    'tests-only': { type: 'boolean', default: false },
  },
})
const ROOT = join(import.meta.dirname, '..', '..', '..')
/** A mutant may hang instead of failing. */
const LIMIT_MS = 10 * 60 * 1000

const chosen = MUTANTS.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
const folder = mkdtempSync(join(tmpdir(), 'holdfast-mutants-'))
let alive = 0
try {
  for (const part of ['src', 'adapters', 'web', 'test', 'scripts', 'samples', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'TECHNICAL.md', 'README.md'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const mutant of chosen) {
    const outcome = await killerOf(mutant)
    const covered = COVERED[mutant.name]
    if (outcome === null && covered === undefined) alive++
    console.log(
      outcome === null
        ? `${covered === undefined ? 'SURVIVED' : 'covered '}  ${mutant.name}${covered === undefined ? '' : `  (${covered})`}`
        : `killed    ${mutant.name}  (${outcome})`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${alive} of ${chosen.length} survived`)
process.exitCode = alive > 0 ? 1 : 0

async function killerOf({ file, from, to, dialects, tests }: Mutant): Promise<string | null> {
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  if (text.split(from).length !== 2) return `STALE: its text stands ${text.split(from).length - 1} times in the file`
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
  try {
    for (const dialect of values['tests-only'] ? [] : dialects) {
      if (values.dialect !== undefined && values.dialect !== dialect) continue
      const args = ['test/model/main.ts', dialect, '--histories', values.histories, '--seed', values.seed, '--quiet']
      const { code, output } = await run(process.execPath, args)
      if (code !== 0)
        return `${dialect}, ${/after \d+ histories/.exec(output)?.[0] ?? 'at the start'}: ${/HOLDFAST_MODEL_SEED=\d+: (.*)/.exec(output)?.[1]?.slice(0, 100) ?? output.slice(-200)}`
    }
    for (const test of tests) {
      const { code } = await run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', test, '--bail=1'])
      if (code !== 0) return test
    }
    return null
  } finally {
    writeFileSync(path, text)
  }
}

function run(program: string, args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const limit = setTimeout(() => child.kill('SIGTERM'), LIMIT_MS)
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => void (output += data.toString('utf8')))
    child.on('close', (code) => {
      clearTimeout(limit)
      resolve({ code, output })
    })
  })
}
