import { spawnSync } from 'node:child_process'

/** Everything that can be said of the code without running it. All checks run; the exit code tells whether every one passed. */
const checks = [
  ['types', 'tsc', '-p', 'tsconfig.json', '--noEmit'],
  ['lint', 'oxlint', '--type-aware'],
  ['format', 'oxfmt', '--check', '.'],
  ['docs', 'node', 'scripts/docs.ts', '--check'],
  ['build', 'npm', 'run', '--silent', 'build'],
  ['package', 'publint', '--strict'],
  ['exports', 'attw', '--pack', '.', '--profile', 'esm-only'],
]

const failed = []
for (const [name, command, ...args] of checks) {
  const started = Date.now()
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', shell: process.platform === 'win32' })
  const ok = status === 0
  if (!ok) {
    failed.push(name)
    process.stdout.write(stdout ?? '')
    process.stderr.write(stderr ?? '')
  }
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
}
if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`)
  process.exit(1)
}
