import type { Command } from 'commander'
import { bytes, moment } from '../../kernel/amounts.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption } from '../scope-option.ts'
import { addOfPlan, WHICH_SNAPSHOT, whichSnapshot, type WhichOptions } from '../which-snapshot.ts'
import { textTable } from '../../kernel/text-table.ts'

export function addShow(program: Command, run: RunCommand): void {
  const command = program
    .command('show')
    .summary('show what a snapshot holds')
    .description('Shows where a snapshot comes from and what it holds, entity by entity. Reads its manifest, no records.')
    .argument('<snapshot>', WHICH_SNAPSHOT)
  addOfPlan(addScopeOption(command))
    .addHelpText('after', '\nExample:\n  $ holdfast show 01a1fc73-6312-7000-958d-47d147b10751')
    .action(async (told: string, _, command: Command) => {
      const { scope, ofPlan, ...options } = command.optsWithGlobals<GlobalOptions & WhichOptions>()
      await run('show', options, async (context) => {
        const { holdfast, output, interrupts } = context
        const { snapshotId, plan, kind, parent, series, times, consistency, trigger, metadata, stores, totals, entities, ...manifest } =
          await holdfast.discovery.snapshot(await whichSnapshot(told, { scope, ofPlan }, context), {
            scope,
            signal: interrupts.signal,
          })
        const facts = {
          id: snapshotId,
          planId: plan.id,
          kind,
          kindReason: manifest.kindReason ?? null,
          parent,
          series,
          replaces: manifest.replaces?.snapshotId ?? null,
          ...times,
          consistency: consistency.level,
          trigger,
          metadata,
        }
        output.record('snapshot', {
          ...facts,
          stores: stores.map(({ name, orm, source }) => ({ name, orm, source })),
          warnings: consistency.warnings,
        })
        const listed = entities.map(({ descriptor, bucket, rows, plainBytes, storedBytes, ranges, change }) => {
          const { store, name, table } = descriptor
          return { store, entity: name, table, bucket, rows, plainBytes, storedBytes, ranges: ranges.length, reused: change.reused, read: change.read }
        })
        for (const entity of listed) output.record('entity', entity)
        const lines: [string, string][] = [
          ['plan', `${plan.id}: ${plan.description}`],
          ['kind', `${kind}${parent === null ? '' : `, built on ${parent}`}${manifest.kindReason === undefined ? '' : ` (${manifest.kindReason})`}`],
          ['state of', `${moment(times.viewAt)}, committed ${moment(times.committedAt)}, ${trigger}`],
          ['consistency', consistency.level],
          ...(manifest.replaces
            ? [['replaces', `${manifest.replaces.snapshotId}, since ${moment(manifest.replaces.at)}, without erased records`] as [string, string]]
            : []),
          ...stores.map(({ name, orm, source }): [string, string] => [
            `store ${name}`,
            `${orm}, ${source.dialect} ${source.serverVersion}, ${source.database}`,
          ]),
          ...Object.entries(metadata).map(([name, value]): [string, string] => [`fact ${name}`, value]),
        ]
        const width = Math.max(...lines.map(([name]) => name.length))
        output.text([`Snapshot ${snapshotId}`, ...lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ''].join('\n'))
        output.text(
          textTable(
            ['entity', 'records', 'plain', 'stored', 'ranges', 'reused'],
            listed.map(({ store, entity, rows, plainBytes, storedBytes, ranges, reused }) => [
              stores.length > 1 ? `${store}.${entity}` : entity,
              rows,
              bytes(plainBytes),
              bytes(storedBytes),
              ranges,
              reused,
            ]),
            '  ',
          ),
        )
        for (const warning of consistency.warnings) output.note(`${output.style('yellow', 'warning:')} ${warning}`)
        return { exitCode: 0, summary: { id: snapshotId, ...totals } }
      })
    })
}
