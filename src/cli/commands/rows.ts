import type { Command } from 'commander'
import { counted } from '../../kernel/amounts.ts'
import { type PlannedRow, planText } from '../../restore/index.ts'
import { wholeNumber } from '../option-values.ts'
import type { CommandContext, CommandResult, GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

interface RowsCommandOptions extends GlobalOptions, ScopeOptions {
  readonly limit?: number
}

/** Rows that people are shown unless they ask for more. */
const SHOWN = 100

export function addRows(program: Command, run: RunCommand): void {
  const command = program
    .command('rows')
    .summary('show the rows that a plan would touch')
    .description(
      'Shows what `holdfast plan` has kept: every row that it would create, update or delete, or that is in conflict, and why it is there. Writes nothing.',
    )
    .argument('<plan>', 'id of the plan')
    .option('--limit <n>', `rows shown; all are counted (default: ${SHOWN}, with --json all)`, wholeNumber)
  addScopeOption(command)
    .addHelpText('after', '\nExamples:\n  $ holdfast rows <plan>\n  $ holdfast rows <plan> --json')
    .action(async (planId: string, _, command: Command) => {
      const options = command.optsWithGlobals<RowsCommandOptions>()
      await run('rows', options, (context) => rows(planId, options, context))
    })
}

async function rows(
  planId: string,
  { scope, limit }: RowsCommandOptions,
  { holdfast, output, interrupts: { signal } }: CommandContext,
): Promise<CommandResult> {
  const most = limit ?? (output.json ? Number.POSITIVE_INFINITY : SHOWN)
  const plan = await holdfast.restores.findPlan(planId, { scope, signal })
  if (plan) output.text(`${planText({ ...plan, entities: plan.entities.map((entity) => ({ ...entity, samples: [] })) })}\n`)
  let found = 0
  // Where there is no plan, this says so.
  for await (const row of holdfast.restores.planRows(planId, { scope, signal })) {
    if (++found > most) continue
    output.record('row', { ...row })
    output.text(`  ${row.action.padEnd(8)} ${row.entity} ${row.key}${whyText(row)}`)
  }
  if (found > most) output.note(`${counted(found - most, 'more row')} are not shown; --limit shows more.`)
  return { exitCode: 0, summary: { planId, rows: found } }
}

/** Why a row comes along that nobody asked for by itself. */
function whyText({ why }: PlannedRow): string {
  return why === null || why.because === 'asked' ? '' : `  ${why.because} of ${why.entity} ${why.key}`
}
