import type { Command } from 'commander'
import type { EntityKey } from '../../compare/index.ts'
import { moment } from '../amounts.ts'
import { usageError } from '../command-error.ts'
import { fieldText } from '../field-text.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'

interface HistoryCommandOptions extends GlobalOptions {
  readonly series?: string
  readonly oldestFirst?: boolean
}

export function addHistory(program: Command, run: RunCommand): void {
  program
    .command('history')
    .summary('show when a record appeared, changed and disappeared')
    .description('Shows the snapshots in which one record appeared, changed or disappeared, newest first.')
    .argument('<entity>', 'Name, or store.Name')
    .argument('<key>', 'value of its key; of a key of several fields the JSON of a list or an object')
    .option('--series <name>', 'of this series; needed where several have the entity')
    .option('--oldest-first', 'in the order in which it happened')
    .addHelpText('after', `\nExamples:\n  $ holdfast history Order 4711\n  $ holdfast history OrderTag '{"order.id": 4711, "tag.id": 3}'`)
    .action(async (entity: string, key: string, _, command: Command) => {
      const options = command.optsWithGlobals<HistoryCommandOptions>()
      const value = keyOf(key)
      await run('history', options, async ({ holdfast, output, interrupts }) => {
        const { series, oldestFirst = false } = options
        const versions = holdfast.comparisons.history(entity, value, {
          order: oldestFirst ? 'oldest-first' : 'newest-first',
          signal: interrupts.signal,
          ...(series === undefined ? {} : { series }),
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

/** Text that is no JSON list or object is the value itself: numbers are told by the type of the field. */
function keyOf(text: string): EntityKey {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text) as EntityKey
  } catch (error) {
    throw usageError(`the key is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
