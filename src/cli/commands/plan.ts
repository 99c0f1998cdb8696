import type { Command } from 'commander'
import { counted } from '../../kernel/amounts.ts'
import { planText } from '../../restore/index.ts'
import { wholeNumber } from '../option-values.ts'
import { addRestoreOptions, policyHint, requestOf, type RestoreOptions } from '../restore-options.ts'
import type { CommandContext, CommandResult, RunCommand } from '../run-command.ts'
import { scopeAgain } from '../scope-option.ts'

interface PlanCommandOptions extends RestoreOptions {
  readonly expires?: number
}

const MINUTE_MS = 60_000

export function addPlan(program: Command, run: RunCommand): void {
  const command = program
    .command('plan')
    .summary('plan a restore, to be applied exactly as it is shown')
    .description(
      'Shows what a restore would do and keeps that, row by row, in the repository. `holdfast apply` does exactly this, or nothing when a row has moved since. Writes to no database.',
    )
  addRestoreOptions(command)
    .option('--expires <minutes>', 'how long it can be applied (default 1440; at most 10080)', wholeNumber)
    .addHelpText('after', '\nExamples:\n  $ holdfast plan <snapshot> --entity Order OrderLine --policy overwrite\n  $ holdfast apply <plan>')
    .action(async (snapshot: string | undefined, _, self: Command) => {
      const options = self.optsWithGlobals<PlanCommandOptions>()
      await run('plan', options, (context) => plan(snapshot, options, context))
    })
}

async function plan(snapshot: string | undefined, options: PlanCommandOptions, context: CommandContext): Promise<CommandResult> {
  const { holdfast, output, interrupts } = context
  const { expires, scope, targetScope: tenant = scope } = options
  const made = await holdfast.restores.plan(requestOf(snapshot, options, context), {
    signal: interrupts.signal,
    ...(expires === undefined ? {} : { expiresAfterMs: expires * MINUTE_MS }),
  })
  const { planId, hash, snapshotId, createdAt, expiresAt, entities, totals, rows, problems } = made
  for (const entity of entities) output.record('entity', { status: 'planned', ...entity })
  output.text(planText(made))
  const refused = totals.conflict + (problems <= (options.continueOnError ?? 0) ? 0 : problems)
  const diagnostics = problems > 0 ? await holdfast.restores.diagnostics(planId, { scope: tenant, signal: interrupts.signal }) : null
  for (const problem of diagnostics?.entries ?? []) output.record('problem', { ...problem })
  for (const { entity, key, cause, message } of diagnostics?.entries.slice(0, 20) ?? []) output.text(`  ${entity} ${key ?? ''} ${cause}: ${message}`)
  if (refused > 0) output.note(`${counted(refused, 'record')} cannot be restored like this, so the plan cannot be applied.${policyHint(totals.conflict)}`)
  if (rows > 0) output.text(`\n  Its rows: holdfast rows ${planId}${scopeAgain(tenant)}`)
  if (refused === 0) output.text(`${rows > 0 ? '' : '\n'}  Apply it: holdfast apply ${planId}${scopeAgain(tenant)}`)
  return { exitCode: problems + totals.conflict > 0 ? 3 : 0, summary: { planId, hash, snapshotId, createdAt, expiresAt, rows, totals, problems } }
}
