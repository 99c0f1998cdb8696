import type { Command } from 'commander'
import type { PruneReport } from '../../catalog/index.ts'
import { bytes, counted } from '../../kernel/amounts.ts'
import { timeSpan } from '../option-values.ts'
import type { Output } from '../output.ts'
import { userOf } from '../user-of.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import type { ScopeOptions } from '../scope-option.ts'
import { textTable } from '../../kernel/text-table.ts'

interface PruneCommandOptions extends GlobalOptions, ScopeOptions {
  readonly dryRun?: boolean
  readonly grace?: number
  readonly allowMoreThanHalf?: boolean
  readonly endedSeries?: readonly string[]
  readonly keepUndo?: number
  readonly keepRestores?: number
}

export function addPrune(program: Command, run: RunCommand): void {
  program
    .command('prune')
    .summary('give back the space of deleted snapshots')
    .description(
      'Gives back the space of deleted snapshots, of backups that never came to an end, and of what restores leave, in all buckets. One run condemns what nothing refers to; a later one, ' +
        'after the grace period, deletes what is still so. Safe beside running backups and restores.',
    )
    .option('--dry-run', 'only show what would be done')
    .option('--grace <time>', 'between condemning and deleting: 90m, 24h, 7d (default: 24h). With less, no backup or restore may run meanwhile', timeSpan)
    .option('--allow-more-than-half', 'also when more than half of the snapshots or chunks of a bucket would go')
    .option('--ended-series <name...>', 'series that were given up: the last snapshot of each goes as well, once all of them are deleted')
    .option('--keep-undo <time>', 'how long restores can be undone (default: 30d; at least 1d)', timeSpan)
    .option('--keep-restores <time>', 'how long results and diagnostics of restores are kept (default: 365d)', timeSpan)
    .option('--scope <tenant>', 'only what belongs to this tenant (default: what belongs to none, and to each)')
    .addHelpText('after', '\nExamples:\n  $ holdfast prune --dry-run\n  $ holdfast prune')
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<PruneCommandOptions>()
      await run('prune', options, async ({ holdfast, output, interrupts, surroundings }) => {
        const { dryRun = false, grace, allowMoreThanHalf = false, endedSeries, keepUndo, keepRestores, scope } = options
        const report = await holdfast.discovery.prune({
          dryRun,
          allowMoreThanHalf,
          by: userOf(surroundings),
          scope,
          signal: interrupts.signal,
          ...(grace === undefined ? {} : { graceMs: grace }),
          ...(endedSeries === undefined ? {} : { endedSeries }),
          ...(keepUndo === undefined ? {} : { keepUndoMs: keepUndo }),
          ...(keepRestores === undefined ? {} : { keepRestoresMs: keepRestores }),
        })
        tell(report, output)
        if (report.refused !== null) output.warning(`a prune would refuse: ${report.refused}`)
        const { refused, graceMs, bytesFreed } = report
        return { exitCode: report.refused === null ? 0 : 1, summary: { dryRun, graceMs, refused, bytesFreed } }
      })
    })
}

function tell({ buckets, dryRun, bytesFreed }: PruneReport, output: Output): void {
  for (const bucket of buckets) output.record('bucket', { ...bucket })
  const tally = ({ snapshots, chunks, bytes: size }: PruneReport['buckets'][number]['before']) =>
    `${counted(snapshots, 'snapshot')}, ${counted(chunks, 'chunk')}, ${bytes(size)}`
  const rows = buckets.map(({ bucket, scope, before, condemned, deleted, kept }) => [
    scope === null ? bucket : `${bucket} ${scope}`,
    tally(before),
    tally(condemned),
    tally(deleted),
    Object.entries(kept)
      .map(([reason, count]) => `${count} ${reason}`)
      .join(', '),
  ])
  output.text(
    textTable(dryRun ? ['bucket', 'holds', 'to condemn', 'to delete', 'kept for now'] : ['bucket', 'held', 'condemned', 'deleted', 'kept for now'], rows),
  )
  const kinds = Map.groupBy(
    buckets.flatMap(({ items }) => items).filter(({ kind, action }) => action === 'delete' && (kind === 'plan' || kind === 'undo' || kind === 'restore')),
    ({ kind }) => KINDS[kind as keyof typeof KINDS],
  )
  for (const [name, items] of kinds) output.text(`${dryRun ? 'to delete' : 'deleted'}: ${counted(items.length, name)}`)
  if (buckets.some(({ kept }) => (kept['newest-of-series'] ?? 0) > 0))
    output.text('newest-of-series: the last that could be restored of a series whose snapshots were all deleted. --ended-series lets it go')
  const versioned = buckets.filter(({ keepsVersions }) => keepsVersions === true).map(({ bucket }) => bucket)
  if (versioned.length > 0) output.text(`${[...new Set(versioned)].join(', ')}: the storage keeps old versions, so space comes back by its own rules`)
  output.text(`${bytes(bytesFreed)} ${dryRun ? 'would be freed; nothing was written' : 'freed'}`)
}

const KINDS = { plan: 'expired restore plan', undo: 'undo journal', restore: 'old restore' } as const
