import type { Command } from 'commander'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

interface HoldOptions extends GlobalOptions, ScopeOptions {
  readonly reason: string
}

export function addHold(program: Command, run: RunCommand): void {
  const command = program
    .command('hold')
    .summary('keep a snapshot from being deleted')
    .description('Until it is released nothing deletes the snapshot: no retention, no `holdfast delete`, no prune, no destroying of keys.')
    .argument('<snapshot>', 'id of the snapshot')
    .requiredOption('--reason <text>', 'why; it is kept, and shown to whoever may list holds')
  addScopeOption(command)
    .addHelpText('after', '\nExample:\n  $ holdfast hold 01a1fc73-6312-7000-958d-47d147b10751 --reason "case 2026/114, until the court has decided"')
    .action(async (id: string, _, command: Command) => {
      const options = command.optsWithGlobals<HoldOptions>()
      await run('hold', options, async ({ holdfast, output, interrupts }) => {
        const hold = await holdfast.discovery.hold(id, { reason: options.reason, scope: options.scope, signal: interrupts.signal })
        output.text(`Snapshot ${id} is held; to let go: holdfast release ${hold.holdId}`)
        return { exitCode: 0, summary: { ...hold } }
      })
    })
}
