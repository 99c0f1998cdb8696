import type { Command } from 'commander'
import { userOf } from '../user-of.ts'
import { tellRestore } from '../restore-report.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'
import { exitCodeOf, summaryOf } from './restore.ts'

interface ApplyCommandOptions extends GlobalOptions, ScopeOptions {
  readonly by?: string
  readonly undo: boolean
}

export function addApply(program: Command, run: RunCommand): void {
  const command = program
    .command('apply')
    .summary('do what a plan says, exactly')
    .description(
      'Does what `holdfast plan` has shown, in one transaction. Every row is held against the plan under its lock; when one has moved since, nothing is written.',
    )
    .argument('<plan>', 'id of the plan')
    .option('--by <name>', 'who applies it, for the history (default: the user of the shell)')
    .option('--no-undo', 'do not keep what it takes to undo it')
  addScopeOption(command)
    .addHelpText('after', '\nExample:\n  $ holdfast apply <plan>')
    .action(async (planId: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApplyCommandOptions>()
      await run('apply', options, async (context) => {
        const by = options.by ?? userOf(context.surroundings)
        const { signal } = context.interrupts
        const result = await context.holdfast.restores.apply(planId, { undo: options.undo, scope: options.scope, signal, ...(by === undefined ? {} : { by }) })
        await tellRestore(result, context)
        return { exitCode: exitCodeOf(result), summary: summaryOf(result) }
      })
    })
}
