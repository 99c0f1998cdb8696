import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { sourceEntries } from './scripts/source-entries.ts'

export default defineConfig({
  // Tests and samples import Holdfast by its public names; here those lead to the sources.
  resolve: {
    alias: sourceEntries().map(({ specifier, source }) => ({
      find: new RegExp(`^${specifier}$`),
      replacement: fileURLToPath(new URL(source, import.meta.url)),
    })),
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['dist/**', 'node_modules/**', '.build/**'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/summary-reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
