import { type Command, Option } from 'commander'
import type { ConflictPolicy } from '../../contracts/restore-target.ts'
import type { RestoreRequest, RestoreResult } from '../../restore/index.ts'
import { counted } from '../amounts.ts'
import { ask } from '../ask.ts'
import { usageError } from '../command-error.ts'
import { nameValue, wholeNumber } from '../option-values.ts'
import { showProgress } from '../progress-view.ts'
import { tellRestore } from '../restore-report.ts'
import type { CommandContext, CommandResult, GlobalOptions, RunCommand } from '../run-command.ts'

interface RestoreOptions extends GlobalOptions {
  readonly entity?: readonly string[]
  readonly policy: ConflictPolicy
  readonly into?: Readonly<Record<string, string>>
  readonly samples?: number
  readonly dryRun?: boolean
  readonly yes?: boolean
}

export function addRestore(program: Command, run: RunCommand): void {
  program
    .command('restore')
    .summary('bring records back, after showing what that would do')
    .description(
      'Shows what a restore would do, asks, and does it in one transaction. Missing records are created, differing ones decided by the policy, identical ones never written, ' +
        'others left alone. Off a terminal it needs --yes, which leaves out the look and the question.',
    )
    .argument('<snapshot>', 'id of the snapshot')
    .option('--entity <name...>', 'only these entities: Name, or store.Name')
    .addOption(
      new Option('--policy <policy>', 'what wins where a live row differs: the record, the live row, nobody (refuses), the greater version')
        .choices(['overwrite', 'skip', 'fail', 'newer-version-wins'] satisfies ConflictPolicy[])
        .default('fail'),
    )
    .option('--into <from=to>', 'restore a store of the snapshot into another one; may be repeated', nameValue)
    .option('--samples <n>', 'samples shown for each entity and action (default 5, at most 100)', wholeNumber)
    .addOption(new Option('--dry-run', 'only show what it would do; nothing is written').conflicts('yes'))
    .option('--yes', 'do not look and ask first')
    .addHelpText(
      'after',
      `
Examples:
  $ holdfast restore <snapshot> --dry-run
  $ holdfast restore <snapshot> --entity Order OrderLine --policy overwrite
  $ holdfast restore <snapshot> --into default=staging --yes`,
    )
    .action(async (snapshot: string, _, command: Command) => {
      const options = command.optsWithGlobals<RestoreOptions>()
      await run('restore', options, (context) => restore(snapshot, options, context))
    })
}

async function restore(snapshot: string, options: RestoreOptions, context: CommandContext): Promise<CommandResult> {
  const { output, surroundings } = context
  const { entity, policy, into, samples, dryRun = false, yes = false } = options
  const asks = !dryRun && !yes
  if (asks && (output.json || surroundings.stdin.isTTY !== true || surroundings.stderr.isTTY !== true))
    throw usageError('there is nobody to ask here', 'Look first with --dry-run, then restore with --yes.')
  const request: RestoreRequest = {
    snapshot,
    policy,
    ...(entity ? { entities: entity } : {}),
    ...(into ? { into } : {}),
    ...(samples === undefined ? {} : { samples }),
  }
  if (!yes) {
    const look = await follow({ ...request, dryRun: true }, context)
    const refused = look.problems + look.totals.conflict
    if (refused > 0) output.note(`${counted(refused, 'record')} cannot be restored like this; nothing was written.`)
    if (dryRun || refused > 0) return { exitCode: refused > 0 ? 3 : 0, summary: summaryOf(look) }
    const { create, update } = look.totals
    if (!(await ask(`Create ${counted(create, 'record')} and change ${counted(update, 'record')}?`, context))) {
      output.note('Nothing was written.')
      return { exitCode: 1, summary: summaryOf(look) }
    }
  }
  return { exitCode: 0, summary: summaryOf(await follow(request, context)) }
}

async function follow(request: RestoreRequest, context: CommandContext): Promise<RestoreResult> {
  const { holdfast, output, interrupts } = context
  const session = await holdfast.restores.start(request, { signal: interrupts.signal })
  const stop = showProgress(session, output, request.dryRun ? 'dry run' : 'restore')
  try {
    const result = await session.result()
    stop()
    await tellRestore(result, context)
    return result
  } catch (error) {
    stop()
    await tellRejected(session.id, context)
    throw error
  }
}

/** The records that a refused restore lists, where it got that far. That there are none to be had does not hide the error itself. */
async function tellRejected(restoreId: string, { holdfast, output }: CommandContext): Promise<void> {
  const diagnostics = await holdfast.restores.diagnostics(restoreId).catch(() => null)
  for (const problem of diagnostics?.entries ?? []) output.record('problem', { ...problem })
  for (const { store, entity, key, cause, message } of diagnostics?.entries.slice(0, 20) ?? [])
    output.note(`  ${store}.${entity} ${key ?? ''} ${cause}: ${message}`)
}

function summaryOf({
  restoreId,
  snapshotId,
  planId,
  status,
  policy,
  totals,
  problems,
  silenced,
  warnings,
  durationMs,
}: RestoreResult): Record<string, unknown> {
  return { restoreId, snapshotId, planId, status, policy, totals, problems, silenced, warnings, durationMs }
}
