import type { Command } from 'commander'
import { moment } from '../../kernel/amounts.ts'
import { wholeNumber } from '../option-values.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'
import { textTable } from '../../kernel/text-table.ts'
import { summaryOf } from './restore.ts'

interface RestoresCommandOptions extends GlobalOptions, ScopeOptions {
  readonly limit?: number
}

export function addRestores(program: Command, run: RunCommand): void {
  const command = program
    .command('restores')
    .summary('list what was restored, newest first: who, when, what')
    .description('Lists restores, applied plans and undone restores that were committed, newest first.')
    .option('--limit <n>', 'at most so many (default 100)', wholeNumber)
  addScopeOption(command)
    .addHelpText('after', '\nExample:\n  $ holdfast restores --limit 10')
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<RestoresCommandOptions>()
      await run('restores', options, async ({ holdfast, output, interrupts }) => {
        const { limit, scope } = options
        const restores = await holdfast.restores.history({ scope, signal: interrupts.signal, ...(limit === undefined ? {} : { limit }) })
        for (const restore of restores) output.record('restore', summaryOf(restore))
        if (restores.length === 0) output.note('Nothing was restored.')
        else {
          const rows = restores.map(({ restoreId, startedAt, by, name, snapshotId, applies, undoes, replays, undoable, totals }) => [
            restoreId,
            moment(startedAt),
            by ?? '',
            undoes
              ? `undoes ${undoes}`
              : replays
                ? `left out by ${replays}`
                : `${name === null ? '' : `${name}: `}${applies ? `plan ${applies}` : `snapshot ${snapshotId}`}`,
            totals.create,
            totals.update,
            totals.delete,
            undoable ? 'yes' : 'no',
          ])
          output.text(textTable(['restore', 'at', 'by', 'what', 'created', 'updated', 'deleted', 'can be undone'], rows))
        }
        return { exitCode: 0, summary: { restores: restores.length } }
      })
    })
}
