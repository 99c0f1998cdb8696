import type { Command } from 'commander'
import { userOf } from '../user-of.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

export function addRelease(program: Command, run: RunCommand): void {
  const command = program
    .command('release')
    .summary('let go of a snapshot that is held')
    .description('Removes one hold. The snapshot may be deleted when no other holds it.')
    .argument('<hold>', 'id of the hold, as `holdfast holds` lists it')
  addScopeOption(command)
    .addHelpText('after', '\nExample:\n  $ holdfast release 01a1fc73-6312-7000-958d-47d147b10751')
    .action(async (id: string, _, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & ScopeOptions>()
      await run('release', options, async ({ holdfast, output, interrupts, surroundings }) => {
        await holdfast.discovery.release(id, { by: userOf(surroundings), scope: options.scope, signal: interrupts.signal })
        output.text(`Released hold ${id}`)
        return { exitCode: 0, summary: { holdId: id } }
      })
    })
}
