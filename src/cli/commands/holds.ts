import type { Command } from 'commander'
import { moment } from '../../kernel/amounts.ts'
import { textTable } from '../../kernel/text-table.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

export function addHolds(program: Command, run: RunCommand): void {
  const command = program
    .command('holds')
    .summary('list what keeps snapshots from being deleted')
    .description('Lists the holds, oldest first: which snapshot, since when, and why.')
    .argument('[snapshot]', 'of this snapshot only')
  addScopeOption(command)
    .addHelpText('after', '\nExample:\n  $ holdfast holds --json')
    .action(async (snapshot: string | undefined, _, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & ScopeOptions>()
      await run('holds', options, async ({ holdfast, output, interrupts }) => {
        const call = { scope: options.scope, signal: interrupts.signal }
        const holds = await holdfast.discovery.holds(snapshot === undefined ? call : { ...call, snapshot })
        for (const hold of holds) output.record('hold', { ...hold })
        if (holds.length === 0) output.note('Nothing is held.')
        else
          output.text(
            textTable(
              ['hold', 'snapshot', 'since', 'why'],
              holds.map(({ holdId, snapshotId, at, reason }) => [holdId, snapshotId, moment(at), reason]),
            ),
          )
        return { exitCode: 0, summary: { holds: holds.length } }
      })
    })
}
