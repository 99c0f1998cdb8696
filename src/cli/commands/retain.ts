import type { Command } from 'commander'
import type { RetainReport } from '../../catalog/index.ts'
import { counted } from '../../kernel/amounts.ts'
import { byteCount, calendarSpan, countOrAll, fact, wholeNumber } from '../option-values.ts'
import type { Output } from '../output.ts'
import { userOf } from '../user-of.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'
import { textTable } from '../../kernel/text-table.ts'

const RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const

interface RetainCommandOptions extends GlobalOptions, ScopeOptions, Partial<Record<(typeof RULES)[number], number>> {
  readonly within?: Record<string, number>
  readonly tagged?: readonly string[]
  readonly maxAge?: Record<string, number>
  readonly maxCount?: number
  readonly maxBytes?: number
  readonly zone?: string
  readonly plan?: string
  readonly dryRun?: boolean
  readonly allowMoreThanHalf?: boolean
}

export function addRetain(program: Command, run: RunCommand): void {
  const command = program
    .command('retain')
    .summary('delete the snapshots that no rule keeps')
    .description(
      'Keeps of each series what any rule keeps, and always the newest whole snapshot; hides the others, whose space comes back by `holdfast prune`. ' +
        'A snapshot of which something is missing counts for no rule, and is not deleted.',
    )
    .option('--last <count>', 'the newest so many, or `all`', countOrAll)
    .option('--hourly <count>', 'of so many hours that have one, the newest of each', countOrAll)
    .option('--daily <count>', 'days', countOrAll)
    .option('--weekly <count>', 'ISO weeks', countOrAll)
    .option('--monthly <count>', 'months', countOrAll)
    .option('--yearly <count>', 'years', countOrAll)
    .option('--within <time>', 'all that are younger, counted from the newest: 14d, 1y6mo, 36h', calendarSpan)
    .option('--tagged <name[=value]>', 'all that were given this fact (`backup --meta`), whatever a limit says; may be repeated', fact)
    .option('--max-age <time>', 'limit: nothing older, whatever another rule keeps: 2y', calendarSpan)
    .option('--max-count <count>', 'limit: at most so many', wholeNumber)
    .option('--max-bytes <bytes>', 'limit: at most so many bytes of chunks: 200GiB', byteCount)
    .option('--zone <name>', 'by whose calendar: Europe/Berlin (default: UTC)')
    .option('--plan <id>', 'of this plan alone')
    .option('--dry-run', 'only show what would be deleted')
    .option('--allow-more-than-half', 'also when more than half of a series would go')
  addScopeOption(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ holdfast retain --last 7 --daily 30 --monthly 12 --zone Europe/Berlin --dry-run\n  $ holdfast retain --within 14d --yearly all',
    )
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<RetainCommandOptions>()
      await run('retain', options, async ({ holdfast, output, interrupts, surroundings }) => {
        const { within, tagged, maxAge, maxCount, maxBytes, zone, plan, scope, dryRun = false, allowMoreThanHalf = false } = options
        const counts = Object.fromEntries(RULES.flatMap((rule) => (options[rule] === undefined ? [] : [[rule, options[rule]]])))
        const others = { within, tagged, maxAge, maxCount, maxBytes, zone }
        const report = await holdfast.discovery.retain({
          keep: { ...counts, ...Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)) },
          dryRun,
          allowMoreThanHalf,
          by: userOf(surroundings),
          scope,
          signal: interrupts.signal,
          ...(plan === undefined ? {} : { plan }),
        })
        tell(report, output)
        if (report.refused !== null) output.warning(`it would refuse: ${report.refused}`)
        const deleted = report.series.reduce((sum, one) => sum + one.deleted.length, 0)
        const kept = report.series.reduce((sum, one) => sum + one.kept.length, 0)
        return { exitCode: report.refused === null ? 0 : 1, summary: { dryRun, refused: report.refused, kept, deleted } }
      })
    })
}

function tell({ series, dryRun }: RetainReport, output: Output): void {
  for (const one of series) output.record('series', { ...one })
  const rows = series.flatMap(({ plan, series: name, kept, deleted }) => {
    const of = plan === name ? plan : `${plan} ${name}`
    return [...kept, ...deleted].map(({ id, viewAt, reasons, limit }) => [
      of,
      viewAt,
      id,
      reasons.length > 0 ? reasons.join(', ') : `${dryRun ? 'would be deleted' : 'DELETED'}${limit === null ? '' : ` by ${limit}`}`,
    ])
  })
  output.text(textTable(['series', 'state of', 'snapshot', 'kept by'], rows))
  const deleted = series.reduce((sum, one) => sum + one.deleted.length, 0)
  output.text(`${counted(deleted, 'snapshot')} ${dryRun ? 'would be deleted; nothing was written' : 'deleted'}`)
}
