import { appendFileSync } from 'node:fs'

/** The file that collects what could not run; set by `global-setup.ts`, printed by `summary-reporter.ts`. */
export const NOT_RUN_FILE = 'HOLDFAST_TEST_NOT_RUN_FILE'

export interface NotRun {
  readonly name: string
  readonly reason: string
  /** A component that every full machine has: its absence is a failure under `CI=true`. False for data that only some checkouts have. */
  readonly required: boolean
}

/**
 * Says that a suite could not run, so that its absence never looks green: the summary lists it, and under `CI=true` a required one
 * fails the run.
 */
export function notRun(name: string, reason: string, options: { readonly required?: boolean } = {}): void {
  const file = process.env[NOT_RUN_FILE]
  if (!file) throw new Error(`${NOT_RUN_FILE} is not set; run the tests through vitest.config.ts`)
  const entry: NotRun = { name, reason, required: options.required ?? true }
  appendFileSync(file, `${JSON.stringify(entry)}\n`)
}
