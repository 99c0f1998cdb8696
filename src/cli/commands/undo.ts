import type { Command } from 'commander'
import { userOf } from '../user-of.ts'
import { tellRestore } from '../restore-report.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'
import { summaryOf } from './restore.ts'

interface UndoCommandOptions extends GlobalOptions, ScopeOptions {
  readonly by?: string
  readonly keepChanged?: boolean
}

export function addUndo(program: Command, run: RunCommand): void {
  const command = program
    .command('undo')
    .summary('take a restore back')
    .description(
      'Puts every row back that a restore has touched: updated and deleted ones as they were, created ones away. Rows that were changed again since are named, and nothing is written, unless --keep-changed is given. ' +
        'Can be undone itself.',
    )
    .argument('<restore>', 'id of the restore')
    .option('--keep-changed', 'leave rows as they are now that were changed since, and put the others back')
    .option('--by <name>', 'who asks, for the history (default: the user of the shell)')
  addScopeOption(command)
    .addHelpText('after', '\nExample:\n  $ holdfast undo <restore> --keep-changed')
    .action(async (restoreId: string, _, command: Command) => {
      const options = command.optsWithGlobals<UndoCommandOptions>()
      await run('undo', options, async (context) => {
        const by = options.by ?? userOf(context.surroundings)
        const request = { onConflict: options.keepChanged ? 'keep' : 'fail', ...(by === undefined ? {} : { by }) } as const
        const result = await context.holdfast.restores.undo(restoreId, request, { scope: options.scope, signal: context.interrupts.signal })
        await tellRestore(result, context)
        return { exitCode: 0, summary: summaryOf(result) }
      })
    })
}
