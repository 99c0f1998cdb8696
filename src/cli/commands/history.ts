import type { Command } from 'commander'
import { moment } from '../../kernel/amounts.ts'
import { entityKeyValue } from '../entity-key-value.ts'
import { fieldText } from '../../kernel/field-text.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

interface HistoryCommandOptions extends GlobalOptions, ScopeOptions {
  readonly series?: string
  readonly oldestFirst?: boolean
  readonly asArchived?: boolean
}

export function addHistory(program: Command, run: RunCommand): void {
  const command = program
    .command('history')
    .summary('show when a record appeared, changed and disappeared')
    .description('Shows the snapshots in which one record appeared, changed or disappeared, newest first.')
    .argument('<entity>', 'Name, or store.Name')
    .argument('<key>', 'value of its key; of a key of several fields the JSON of a list or an object; bytes are {"blob":"<base64>"}')
    .option('--series <name>', 'of this series; needed where several have the entity')
    .option('--oldest-first', 'in the order in which it happened')
    .option('--as-archived', 'records as they were stored: under the names of then, without up-casters')
  addScopeOption(command)
    .addHelpText('after', `\nExamples:\n  $ holdfast history Order 4711\n  $ holdfast history OrderTag '{"order.id": 4711, "tag.id": 3}'`)
    .action(async (entity: string, key: string, _, command: Command) => {
      const options = command.optsWithGlobals<HistoryCommandOptions>()
      const value = entityKeyValue(key)
      await run('history', options, async ({ holdfast, output, interrupts }) => {
        const { series, scope, oldestFirst = false, asArchived = false } = options
        const versions = holdfast.comparisons.history(entity, value, {
          order: oldestFirst ? 'oldest-first' : 'newest-first',
          scope,
          signal: interrupts.signal,
          ...(series === undefined ? {} : { series }),
          ...(asArchived ? { as: 'archived' as const } : {}),
        })
        let found = 0
        for await (const version of versions) {
          found++
          output.record('version', { ...version })
          const { change, snapshotId, viewAt, fields } = version
          output.text(`${change.padEnd(11)}  ${snapshotId}  ${moment(viewAt)}\n  ${fields.map(fieldText).join(', ')}`)
        }
        if (found === 0) output.note('No snapshot has this record.')
        return { exitCode: 0, summary: { entity, versions: found } }
      })
    })
}
