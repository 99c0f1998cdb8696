import type { Command } from 'commander'
import { userOf } from '../user-of.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

interface DeleteOptions extends GlobalOptions, ScopeOptions {
  readonly reason: string
}

export function addDelete(program: Command, run: RunCommand): void {
  const command = program
    .command('delete')
    .summary('delete a snapshot')
    .description('Hides a snapshot behind a tombstone that keeps the reason. Other snapshots are not touched. Its space comes back by `holdfast prune`.')
    .argument('<snapshot>', 'id of the snapshot')
    .requiredOption('--reason <text>', 'why; it is kept')
  addScopeOption(command)
    .addHelpText('after', '\nExample:\n  $ holdfast delete 01a1fc73-6312-7000-958d-47d147b10751 --reason "taken during the import"')
    .action(async (id: string, _, command: Command) => {
      const options = command.optsWithGlobals<DeleteOptions>()
      await run('delete', options, async ({ holdfast, output, interrupts, surroundings }) => {
        await holdfast.discovery.delete(id, { reason: options.reason, by: userOf(surroundings), scope: options.scope, signal: interrupts.signal })
        output.text(`Deleted snapshot ${id}`)
        return { exitCode: 0, summary: { id, reason: options.reason } }
      })
    })
}
