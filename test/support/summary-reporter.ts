import { existsSync, readFileSync } from 'node:fs'
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'
import { NOT_RUN_FILE, type NotRun } from './not-run.ts'

/** Closes the run with one plain line of counts and the list of what could not run here. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], _reason: TestRunEndReason): void {
    let passed = 0
    let failed = errors.length
    let skipped = 0
    for (const module of modules) {
      if (module.errors().length > 0) failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else skipped++
      }
    }
    const missing = readNotRun()
    for (const { name, reason, required } of missing) console.log(`not run: ${name}: ${reason}${required ? '' : ' (optional)'}`)
    const blocking = missing.filter(({ required }) => required)
    if (process.env.CI === 'true' && blocking.length > 0) {
      console.error(`CI=true: ${blocking.length} required suite(s) could not run`)
      process.exitCode = 1
    }
    // A skipped test is a hole in the proof; there is no reason to have one.
    if (skipped > 0 && process.env.HOLDFAST_TEST_PARTIAL === undefined && process.env.CI === 'true') {
      console.error(`CI=true: ${skipped} test(s) were skipped`)
      process.exitCode = 1
    }
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  }
}

function readNotRun(): NotRun[] {
  const file = process.env[NOT_RUN_FILE]
  if (!file || !existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return [...new Set(lines)].map((line) => JSON.parse(line) as NotRun)
}
