import type { Command } from 'commander'
import type { PlaceFacts } from '../../contracts/storage-adapter.ts'
import { bytes, counted } from '../../kernel/amounts.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'

interface StorageOptions extends GlobalOptions {
  readonly bucket?: string
}

interface MigrateOptions extends GlobalOptions {
  readonly from: string
  readonly to: string
  readonly checkAll?: boolean
}

export function addStorage(program: Command, run: RunCommand): void {
  const storage = program
    .command('storage')
    .summary('check the places that backups go to, and move between them')
    .description('The storages of the configuration.')
  storage
    .command('check')
    .summary('try whether a storage keeps what it promises')
    .description(
      'Stores, lists, reads and deletes small objects in folders of its own beside the backups, some thousand requests a bucket, and cleans up. ' +
        'The exit code is 0 when every promise is kept, 15 when one is not, 2 or 1 when the storage cannot be reached.',
    )
    .option('--bucket <name>', 'which bucket (default: all)')
    .addHelpText('after', '\nExamples:\n  $ holdfast storage check\n  $ holdfast storage check --bucket archive --json')
    .action(async (_, command: Command) => {
      const { bucket, ...options } = command.optsWithGlobals<StorageOptions>()
      await run('storage check', options, async ({ holdfast, output, interrupts: { signal } }) => {
        const checks = await holdfast.storages.check({
          signal,
          ...(bucket === undefined ? {} : { bucket }),
          onResult({ name, ok, error }, of) {
            const problem = error === undefined ? null : firstLine(error)
            output.record('check', { bucket: of, name, ok, problem })
            output.text(ok ? `${output.style('green', 'kept  ')} ${of}: ${name}` : `${output.style('red', 'BROKEN')} ${of}: ${name}: ${problem}`)
          },
        })
        for (const { bucket: of, storage: name, results, place, freeBytes } of checks) {
          output.record('place', { bucket: of, storage: name, freeBytes, ...place })
          for (const fact of factsOf(place, freeBytes)) output.text(`${name} ${fact}`)
          const broken = results.filter(({ ok }) => !ok).length
          output.text(
            broken === 0
              ? `${name} keeps what it promises: ${counted(results.length, 'check')}`
              : `${name} BREAKS ${broken} of ${counted(results.length, 'promise')}`,
          )
        }
        const results = checks.flatMap((check) => check.results)
        const broken = results.filter(({ ok }) => !ok).length
        return { exitCode: broken === 0 ? 0 : 15, summary: { buckets: checks.map((check) => check.bucket), checks: results.length, broken } }
      })
    })
  addMigrate(storage, run)
}

function addMigrate(storage: Command, run: RunCommand): void {
  storage
    .command('migrate')
    .summary('copy all backups of a bucket into another')
    .description(
      'Copies everything of one bucket into another, each object read back and compared, manifests last. Nothing is changed in the first, and nothing replaced in the second. ' +
        'What was interrupted goes on where it was. Run it while no backup and no prune runs; then configure the new place under the name of the old one.',
    )
    .requiredOption('--from <bucket>', 'where the backups are')
    .requiredOption('--to <bucket>', 'where they go')
    .option('--check-all', 'also compare, byte by byte, what is there already')
    .addHelpText('after', '\nExamples:\n  $ holdfast storage migrate --from default --to archive')
    .action(async (_, command: Command) => {
      const { from, to, checkAll, ...options } = command.optsWithGlobals<MigrateOptions>()
      await run('storage migrate', options, async ({ holdfast, output, interrupts: { signal } }) => {
        const report = await holdfast.storages.migrate({ from, to, signal, check: checkAll === true ? 'all' : 'copied' })
        output.text(`Copied ${counted(report.copied, 'object')}, ${bytes(report.copiedBytes)}, from ${from} to ${to}; ${report.present} were there already`)
        if (report.extra > 0) output.text(`${to} has ${counted(report.extra, 'object')} that ${from} does not have; they stay`)
        return { exitCode: 0, summary: { from, to, ...report } }
      })
    })
}

function factsOf(place: PlaceFacts | null, freeBytes: number | null): readonly string[] {
  const facts: string[] = []
  if (freeBytes !== null && freeBytes < Number.MAX_SAFE_INTEGER) facts.push(`has ${bytes(freeBytes)} free`)
  if (place?.versioning === true) facts.push('keeps old versions of what is deleted: a prune gives no space back before the rules of the place do')
  if (place?.objectLock === true) facts.push(`can keep objects from being deleted${place.retention === null ? '' : `: ${place.retention}`}`)
  if (place?.archives === true) facts.push('has rules that move objects into an archive tier: a restore needs them brought back first')
  const unknown = (['versioning', 'objectLock', 'archives'] as const).filter((name) => place !== null && place[name] === null)
  if (unknown.length > 0) facts.push(`does not tell of ${unknown.join(', ')}, or not to these credentials`)
  return facts
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!
}
