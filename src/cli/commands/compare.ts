import type { Command } from 'commander'
import type { ComparisonSummary, SchemaDifference } from '../../compare/index.ts'
import { counted, moment } from '../../kernel/amounts.ts'
import { fieldText } from '../../kernel/field-text.ts'
import { wholeNumber } from '../option-values.ts'
import type { CommandContext, CommandResult, GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption } from '../scope-option.ts'
import { addOfPlan, WHICH_SNAPSHOT, whichSnapshot, type WhichOptions } from '../which-snapshot.ts'
import { textTable } from '../../kernel/text-table.ts'

interface CompareCommandOptions extends GlobalOptions, WhichOptions {
  readonly entity?: readonly string[]
  readonly limit?: number
  readonly asArchived?: boolean
}

/** Differences that people are shown unless they ask for more. */
const SHOWN = 100

export function addCompare(program: Command, run: RunCommand): void {
  const command = program
    .command('compare')
    .summary('show what changed since a snapshot, or between two')
    .description('Shows which records were added, removed and changed, field by field. Reads only what is not the same on both sides; writes nothing.')
    .argument('<before>', `the older one: ${WHICH_SNAPSHOT}`)
    .argument('[after]', 'the newer one, told in the same way, or live: the database as it is now', 'live')
    .option('--entity <name...>', 'only these entities: Name, or store.Name')
    .option('--limit <n>', `differences shown; all are counted (default: ${SHOWN}, with --json all)`, wholeNumber)
    .option('--as-archived', 'records as they were stored: under the names of then, without up-casters')
  addOfPlan(addScopeOption(command))
    .addHelpText('after', '\nExamples:\n  $ holdfast compare <snapshot>\n  $ holdfast compare <older> <newer> --entity Order --json')
    .action(async (before: string, after: string, _, command: Command) => {
      const options = command.optsWithGlobals<CompareCommandOptions>()
      await run('compare', options, (context) => compare(before, after, options, context))
    })
}

async function compare(older: string, newer: string, options: CompareCommandOptions, context: CommandContext): Promise<CommandResult> {
  const { holdfast, output, interrupts } = context
  const before = await whichSnapshot(older, options, context)
  const after = await whichSnapshot(newer, options, context)
  const { entity, limit = output.json ? Number.POSITIVE_INFINITY : SHOWN } = options
  const comparison = await holdfast.comparisons.compare({
    before,
    after,
    scope: options.scope,
    signal: interrupts.signal,
    ...(entity ? { entities: entity } : {}),
    ...(options.asArchived ? { as: 'archived' as const } : {}),
  })
  let found = 0
  for await (const difference of comparison) {
    if (++found > limit) continue
    output.record('difference', { ...difference })
    const { entity: name, key, change, fields } = difference
    output.text(`${change.padEnd(7)}  ${name} ${key}${change === 'changed' ? `  ${fields.map(fieldText).join(', ')}` : ''}`)
  }
  const summary = await comparison.finish()
  for (const difference of summary.schema) output.record('schema', { ...difference })
  if (found > limit) output.note(`${counted(found - limit, 'more difference')} are not shown; --limit shows more.`)
  output.text(summaryText(summary, found > 0))
  const { complete, beforeAt, afterAt, totals } = summary
  return { exitCode: 0, summary: { before, after, beforeAt, afterAt, complete, totals } }
}

function summaryText({ after, beforeAt, afterAt, schema, entities }: ComparisonSummary, differs: boolean): string {
  const several = new Set(entities.map(({ store }) => store)).size > 1
  const rows = entities.map(({ store, entity, added, removed, changed }) => [several ? `${store}.${entity}` : entity, added, removed, changed])
  return [
    `${differs ? '\n' : ''}From ${moment(beforeAt)} to ${afterAt === null ? after : moment(afterAt)}${after === 'live' ? ', live' : ''}\n`,
    textTable(['entity', 'added', 'removed', 'changed'], rows, '  '),
    ...schema.map((difference) => `  schema: ${schemaText(difference)}`),
  ].join('\n')
}

function schemaText(difference: SchemaDifference): string {
  const { entity, kind } = difference
  const field = 'field' in difference ? ` ${difference.field}` : ''
  const types = [...('before' in difference ? [difference.before ?? 'any version'] : []), ...('after' in difference ? [difference.after] : [])]
  return `${entity}${field} ${kind}${types.length === 0 ? '' : ` (${types.join(' → ')})`}`
}
