import { type Command, Option } from 'commander'
import type { BackupKind } from '../../export/index.ts'
import { followBackup } from '../follow-backup.ts'
import { nameValue } from '../option-values.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'
import { addSourceOptions, sourceLimits, type SourceOptions } from '../source-options.ts'

interface BackupOptions extends GlobalOptions, ScopeOptions, SourceOptions {
  readonly kind: BackupKind
  readonly series?: string
  readonly trigger: 'manual' | 'automatic'
  readonly meta?: Readonly<Record<string, string>>
}

export function addBackup(program: Command, run: RunCommand): void {
  const command = program
    .command('backup')
    .summary('take a snapshot of a plan')
    .description('Takes a snapshot: one consistent state of all entities of the plan. Ctrl-C pauses it and prints the command that goes on with it.')
    .argument('<plan>', 'id of the plan')
    .addOption(
      new Option('--kind <kind>', 'what is read: everything, or what changed since the newest snapshot (incremental) or the latest full (differential)')
        .choices(['full', 'incremental', 'differential', 'auto'] satisfies BackupKind[])
        .default('auto'),
    )
    .option('--series <name>', 'snapshots that build on each other (default: the id of the plan)')
    .addOption(new Option('--trigger <trigger>', 'kept in the snapshot').choices(['manual', 'automatic']).default('manual'))
    .option('--tag, --meta <name=value>', 'a fact kept in the snapshot; may be repeated. No secrets', nameValue)
  addScopeOption(addSourceOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  $ holdfast backup shop
  $ holdfast backup shop --kind full --meta release=2.4.1 --meta by=ada
  $ holdfast backup shop --max-rows-per-second 20000 --max-replication-lag 10s
  $ holdfast backup shop --trigger automatic --json | tail -1
  $ holdfast backup shop --scope acme`,
    )
    .action(async (plan: string, _, command: Command) => {
      const options = command.optsWithGlobals<BackupOptions>()
      await run('backup', options, async (context) => {
        const { kind, trigger, series, meta, scope } = options
        const { signal } = context.interrupts
        const session = await context.holdfast.backups.start(plan, {
          kind,
          trigger,
          scope,
          signal,
          ...(series === undefined ? {} : { series }),
          ...(meta ? { metadata: meta } : {}),
          ...sourceLimits(options),
        })
        return followBackup(session, context)
      })
    })
}
