import type { Command } from 'commander'
import type { ErasureRewrite } from '../../service/index.ts'
import { counted, moment } from '../../kernel/amounts.ts'
import { textTable } from '../../kernel/text-table.ts'
import { entityKeyValue } from '../entity-key-value.ts'
import type { Output } from '../output.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { userOf } from '../user-of.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

interface EraseCommandOptions extends GlobalOptions, ScopeOptions {
  readonly reason?: string
  readonly by?: string
  readonly store?: string
  readonly rewrite?: boolean
  readonly dryRun?: boolean
  readonly keepHeld?: boolean
}

export function addErase(program: Command, run: RunCommand): void {
  const command = program
    .command('erase')
    .summary('keep a record out of every later restore')
    .description(
      'Notes in the ledger of every repository that a record was erased: from then on every restore, read, comparison and undo leaves it out, and what refers to it. It deletes nothing, and says what remains. ' +
        'With --rewrite snapshots that hold it are written anew without it, and the old ones deleted; a prune gives their chunks back.',
    )
    .argument('<entity>', 'Name of the entity')
    .argument('<key>', 'value of its key; of a key of several fields the JSON of a list or an object; bytes are {"blob":"<base64>"}')
    .option('--reason <text>', 'a ticket, never the person: it is kept')
    .option('--by <name>', 'who asks (default: the user of the shell)')
    .option('--store <name>', 'entity store, where several map the entity')
    .option('--rewrite', 'also put snapshots without it in the place of those that hold it')
    .option('--dry-run', 'with --rewrite: only show which snapshots hold how much; nothing is written')
    .option('--keep-held', 'with --rewrite: leave snapshots that are held as they are (default: refuse)')
  addScopeOption(command)
    .addHelpText('after', '\nExamples:\n  $ holdfast erase Customer 4711 --reason GDPR-88\n  $ holdfast erase Customer 4711 --rewrite --dry-run')
    .action(async (entity: string, key: string, _, command: Command) => {
      const value = entityKeyValue(key)
      const { reason, store, by, scope, rewrite = false, dryRun = false, keepHeld = false, ...options } = command.optsWithGlobals<EraseCommandOptions>()
      await run('erase', options, async ({ holdfast, output, surroundings, interrupts: { signal } }) => {
        const who = by ?? userOf(surroundings)
        const report = await holdfast.erasures.erase(entity, value, {
          scope,
          signal,
          rewrite,
          dryRun,
          keepHeld,
          ...(reason === undefined ? {} : { reason }),
          ...(store === undefined ? {} : { store }),
          ...(who === undefined ? {} : { by: who }),
        })
        const { snapshots, unread, looked } = report.found
        if (snapshots.length === 0 && unread.length === 0) {
          const noted = report.id === null ? '' : ' It is in the ledger all the same.'
          output.warning(
            `found in no snapshot: none of ${looked} holds a record of ${report.store}.${report.entity} with that key. Is it another key, entity or \`--scope\`?${noted}`,
          )
        } else output.text(`Found in ${snapshots.length} of ${counted(looked, 'snapshot')}`)
        for (const id of unread) output.warning(`snapshot ${id} could not be read, so it is not known whether it holds the record`)
        if (report.id !== null)
          output.text(`Erased a record of ${report.store}.${report.entity}, entry ${report.id}, in ${report.buckets.join(', ')}\n\n${report.hidden}\n`)
        if (report.rewrite) tellRewrite(report.rewrite, output)
        output.text(dryRun ? 'What would remain:' : 'What remains:')
        for (const what of report.remains) output.text(`  - ${what}`)
        return { exitCode: 0, summary: { ...report } }
      })
    })
}

function tellRewrite({ dryRun, looked, snapshots, retained }: ErasureRewrite, output: Output): void {
  for (const snapshot of snapshots) output.record('snapshot', { ...snapshot })
  for (const snapshot of retained) output.record('retained', { ...snapshot })
  const what = `${snapshots.length} of ${counted(looked, 'snapshot')}`
  output.text(dryRun ? `${what} would be rewritten; nothing was written` : `${what} rewritten`)
  if (snapshots.length > 0) {
    const rows = snapshots.map(({ id, replacement, viewAt, records }) => [
      id,
      replacement ?? '',
      moment(viewAt),
      records.map(({ entity, records: count }) => `${count} ${entity}`).join(', ') || 'only beneath later changes',
    ])
    output.text(textTable(['old', 'new', 'state of', 'without'], rows, '  '))
  }
  for (const { id, holds } of retained) output.warning(`snapshot ${id} is held (${holds.join(', ')}), and holds what is erased`)
  output.text('')
}
