import type { Command } from 'commander'
import { entityKeyValue } from '../entity-key-value.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { userOf } from '../restore-options.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

interface EraseCommandOptions extends GlobalOptions, ScopeOptions {
  readonly reason?: string
  readonly by?: string
  readonly store?: string
}

export function addErase(program: Command, run: RunCommand): void {
  const command = program
    .command('erase')
    .summary('keep a record out of every later restore')
    .description(
      'Notes in the ledger of every repository that a record was erased: from then on every restore, read, comparison and undo leaves it out, and what refers to it. It deletes nothing, and says what remains.',
    )
    .argument('<entity>', 'Name of the entity')
    .argument('<key>', 'value of its key; of a key of several fields the JSON of a list or an object')
    .option('--reason <text>', 'a ticket, never the person: it is kept')
    .option('--by <name>', 'who asks (default: the user of the shell)')
    .option('--store <name>', 'entity store, where several map the entity')
  addScopeOption(command)
    .addHelpText('after', '\nExample:\n  $ holdfast erase Customer 4711 --reason GDPR-88')
    .action(async (entity: string, key: string, _, command: Command) => {
      const value = entityKeyValue(key)
      const { reason, store, by, scope, ...options } = command.optsWithGlobals<EraseCommandOptions>()
      await run('erase', options, async ({ holdfast, output, surroundings, interrupts: { signal } }) => {
        const who = by ?? userOf(surroundings)
        const report = await holdfast.erasures.erase(entity, value, {
          scope,
          signal,
          ...(reason === undefined ? {} : { reason }),
          ...(store === undefined ? {} : { store }),
          ...(who === undefined ? {} : { by: who }),
        })
        output.text(
          `Erased a record of ${report.store}.${report.entity}, entry ${report.id}, in ${report.buckets.join(', ')}\n\n${report.hidden}\n\nWhat remains:`,
        )
        for (const what of report.remains) output.text(`  - ${what}`)
        return { exitCode: 0, summary: { ...report } }
      })
    })
}
