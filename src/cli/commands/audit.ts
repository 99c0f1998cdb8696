import type { Command } from 'commander'
import { moment } from '../../kernel/amounts.ts'
import { textTable } from '../../kernel/text-table.ts'
import { wholeNumber } from '../option-values.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

interface AuditOptions extends GlobalOptions, ScopeOptions {
  readonly limit?: number
}

export function addAudit(program: Command, run: RunCommand): void {
  const command = program
    .command('audit')
    .summary('list what took backups away')
    .description(
      'Lists snapshots that were deleted, holds that were released, and prunes, newest first: who, when and why. Restores are listed by `holdfast restores`.',
    )
    .option('--limit <n>', 'at most so many (default: 100)', wholeNumber)
  addScopeOption(command)
    .addHelpText('after', '\nExample:\n  $ holdfast audit --json')
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<AuditOptions>()
      await run('audit', options, async ({ holdfast, output, interrupts }) => {
        const { limit, scope } = options
        const entries = await holdfast.discovery.audit({ scope, signal: interrupts.signal, ...(limit === undefined ? {} : { limit }) })
        for (const entry of entries) output.record('audit', { ...entry })
        if (entries.length === 0) output.note('Nothing was deleted, released or pruned.')
        else
          output.text(
            textTable(
              ['when', 'what', 'snapshots', 'who', 'why'],
              entries.map(({ at, act, snapshots: [first = '', ...others], by, reason }) => [
                moment(at),
                act,
                others.length === 0 ? first : `${first} and ${others.length} more`,
                by ?? '',
                reason ?? '',
              ]),
            ),
          )
        return { exitCode: 0, summary: { entries: entries.length } }
      })
    })
}
