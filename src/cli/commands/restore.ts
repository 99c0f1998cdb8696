import { type Command, Option } from 'commander'
import type { RestoreRequest, RestoreResult } from '../../restore/index.ts'
import { counted } from '../../kernel/amounts.ts'
import { ask } from '../ask.ts'
import { usageError } from '../command-error.ts'
import { showProgress } from '../progress-view.ts'
import { addRestoreOptions, policyHint, requestOf, type RestoreOptions } from '../restore-options.ts'
import { tellRejected, tellRestore } from '../restore-report.ts'
import type { CommandContext, CommandResult, RunCommand } from '../run-command.ts'

interface RestoreCommandOptions extends RestoreOptions {
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly undo?: boolean
}

export function addRestore(program: Command, run: RunCommand): void {
  const command = program
    .command('restore')
    .summary('bring records back, after showing what that would do')
    .description(
      'Shows what a restore would do, asks, and does it in one transaction. Missing records are created, differing ones decided by the policy, identical ones never written, ' +
        'others left alone unless --delete-extra is given. Off a terminal it needs --yes, which leaves out the look and the question.',
    )
  addRestoreOptions(command)
    .option('--undo', 'keep what it takes to undo it')
    .addOption(new Option('--dry-run', 'only show what it would do; nothing is written').conflicts('yes'))
    .option('--yes', 'do not look and ask first')
    .addHelpText(
      'after',
      `
Examples:
  $ holdfast restore <snapshot> --dry-run
  $ holdfast restore <snapshot> --entity Order OrderLine --policy overwrite
  $ holdfast restore <snapshot> --into default=staging --mask --yes
  $ holdfast restore 2026-01-31T12:00Z --named orders-of-a-day --dry-run`,
    )
    .action(async (snapshot: string | undefined, _, self: Command) => {
      const options = self.optsWithGlobals<RestoreCommandOptions>()
      await run('restore', options, (context) => restore(snapshot, options, context))
    })
}

async function restore(snapshot: string | undefined, options: RestoreCommandOptions, context: CommandContext): Promise<CommandResult> {
  const { output, surroundings } = context
  const { dryRun = false, yes = false, undo = false } = options
  const asks = !dryRun && !yes
  if (asks && (output.json || surroundings.stdin.isTTY !== true || surroundings.stderr.isTTY !== true))
    throw usageError('there is nobody to ask here', 'Look first with --dry-run, then restore with --yes.')
  const request: RestoreRequest = { ...requestOf(snapshot, options, context), ...(undo ? { undo } : {}) }
  if (!yes) {
    const look = await follow({ ...request, dryRun: true }, context)
    const { conflict, failed } = look.totals
    const mayFail = look.problems <= (options.continueOnError ?? 0)
    const refused = conflict + (mayFail ? 0 : look.problems)
    if (refused > 0) output.note(`${counted(refused, 'record')} cannot be restored like this; nothing was written.${policyHint(conflict)}`)
    else if (failed > 0) output.note(`${counted(failed, 'record')} cannot be restored, and would be left out.`)
    if (dryRun || refused > 0) return { exitCode: look.problems + conflict > 0 ? 3 : 0, summary: summaryOf(look) }
    const { totals } = look
    const deleting = totals.delete > 0 ? `, delete ${counted(totals.delete, 'row')}` : ''
    if (!(await ask(`Create ${counted(totals.create, 'record')}${deleting} and change ${counted(totals.update, 'record')}?`, context))) {
      output.note('Nothing was written.')
      return { exitCode: 1, summary: summaryOf(look) }
    }
  }
  const result = await follow(request, context)
  return { exitCode: exitCodeOf(result), summary: summaryOf(result) }
}

/** What was left out is no success. */
export function exitCodeOf({ status }: RestoreResult): 0 | 3 {
  return status === 'PartiallyRestored' ? 3 : 0
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
    await tellRejected(session, context)
    throw error
  }
}

const SUMMARY = [
  'restoreId',
  'name',
  'snapshotId',
  'planId',
  'scope',
  'targetScope',
  'status',
  'policy',
  'totals',
  'problems',
  'silenced',
  'warnings',
  'durationMs',
  'undoable',
  'applies',
  'undoes',
  'replays',
  'by',
] as const satisfies readonly (keyof RestoreResult)[]

export function summaryOf(result: RestoreResult): Record<string, unknown> {
  return Object.fromEntries(SUMMARY.map((name) => [name, result[name]]))
}
