import { spawnSync } from 'node:child_process'

/** Builds the package, then the samples against it: decorators need a compiler that emits metadata, and samples import the built package by its name. */
for (const project of ['tsconfig.build.json', 'samples/tsconfig.json']) {
  const { status } = spawnSync('tsc', ['-p', project], { stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
