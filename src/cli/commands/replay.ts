import { type Command, Option } from 'commander'
import type { ReplayRequest } from '../../restore/index.ts'
import type { CauseClass, ConflictPolicy } from '../../contracts/restore-target.ts'
import { wholeNumber } from '../option-values.ts'
import { showProgress } from '../progress-view.ts'
import { userOf } from '../user-of.ts'
import { tellRejected, tellRestore } from '../restore-report.ts'
import type { CommandContext, CommandResult, GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'
import { exitCodeOf, summaryOf } from './restore.ts'

interface ReplayCommandOptions extends GlobalOptions, ScopeOptions {
  readonly policy?: ConflictPolicy
  readonly cause?: CauseClass[]
  readonly continueOnError?: number
  readonly by?: string
  readonly undo: boolean
}

const CAUSES: readonly CauseClass[] = ['missing-parent', 'unique-clash', 'validation', 'schema', 'permission', 'transient']

export function addReplay(program: Command, run: RunCommand): void {
  const command = program
    .command('replay')
    .summary('try the records again that a restore left out')
    .description(
      'Tries the records again that `holdfast restore --continue-on-error` left out, and only those, in one transaction. What is in already is not written again. What fails again is in diagnostics of its own; exit code 3 says that there is any.',
    )
    .argument('<restore>', 'id of the restore, or of a replay of it')
    .addOption(
      new Option('--policy <policy>', 'what wins where such a row stands by now and differs (default: as in the restore)').choices([
        'overwrite',
        'skip',
        'fail',
        'newer-version-wins',
      ] satisfies ConflictPolicy[]),
    )
    .addOption(new Option('--cause <cause...>', 'only those that failed for this').choices(CAUSES))
    .option('--continue-on-error <n>', 'how many may fail again (default: all but one)', wholeNumber)
    .option('--by <name>', 'who asks, for the history (default: the user of the shell)')
    .option('--no-undo', 'do not keep what it takes to undo it')
    .addHelpText('after', '\nExamples:\n  $ holdfast replay <restore>\n  $ holdfast replay <restore> --cause missing-parent')
    .action(async (restoreId: string, _, self: Command) => {
      const options = self.optsWithGlobals<ReplayCommandOptions>()
      await run('replay', options, (context) => replay(restoreId, options, context))
    })
  addScopeOption(command)
}

async function replay(restoreId: string, options: ReplayCommandOptions, context: CommandContext): Promise<CommandResult> {
  const { holdfast, output, interrupts, surroundings } = context
  const { policy, cause: causes, continueOnError, undo, scope, by = userOf(surroundings) } = options
  const request: ReplayRequest = {
    undo,
    ...(policy === undefined ? {} : { policy }),
    ...(causes === undefined ? {} : { only: ({ cause }) => causes.includes(cause) }),
    ...(continueOnError === undefined ? {} : { continueOnError }),
    ...(by === undefined ? {} : { by }),
  }
  const session = await holdfast.restores.startReplay(restoreId, request, { scope, signal: interrupts.signal })
  const stop = showProgress(session, output, 'replay')
  try {
    const result = await session.result()
    stop()
    await tellRestore(result, context)
    return { exitCode: exitCodeOf(result), summary: summaryOf(result) }
  } catch (error) {
    stop()
    await tellRejected(session, context)
    throw error
  }
}
