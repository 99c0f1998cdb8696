import { type Command, Option } from 'commander'
import type { VerifyLevel } from '../../archive/index.ts'
import { bytes, counted } from '../../kernel/amounts.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption } from '../scope-option.ts'
import { addOfPlan, WHICH_SNAPSHOT, whichSnapshot, type WhichOptions } from '../which-snapshot.ts'
import { textTable } from '../../kernel/text-table.ts'

interface VerifyOptions extends GlobalOptions, WhichOptions {
  readonly level: VerifyLevel
}

export function addVerify(program: Command, run: RunCommand): void {
  const command = program
    .command('verify')
    .summary('read a snapshot back and prove it')
    .description('Reads a snapshot back from storage. Damage is listed, and the exit code is 13.')
    .argument('<snapshot>', WHICH_SNAPSHOT)
    .addOption(
      new Option('--level <level>', 'presence: everything is there in its size; stored: every stored byte; plain: also every line and count')
        .choices(['presence', 'stored', 'plain'] satisfies VerifyLevel[])
        .default('plain'),
    )
  addOfPlan(addScopeOption(command))
    .addHelpText('after', '\nExample:\n  $ holdfast verify 01a1fc73-6312-7000-958d-47d147b10751 --level stored')
    .action(async (told: string, _, command: Command) => {
      const options = command.optsWithGlobals<VerifyOptions>()
      await run('verify', options, async (context) => {
        const { holdfast, output, interrupts } = context
        const id = await whichSnapshot(told, options, context)
        const { damages, ...report } = await holdfast.discovery.verify(id, { level: options.level, scope: options.scope, signal: interrupts.signal })
        for (const damage of damages) output.record('damage', damage)
        const read = `${counted(report.chunks, 'chunk')}, ${bytes(report.bytes)}`
        if (damages.length === 0) output.text(`Sound: snapshot ${id}, ${read}, level ${report.level}`)
        else {
          output.text(`DAMAGED: snapshot ${id}: ${counted(damages.length, 'damage')} in ${read}, level ${report.level}\n`)
          output.text(
            textTable(
              ['entity', 'what', 'object'],
              damages.map(({ store, entity, code, object }) => [`${store}.${entity}`, code, object]),
              '  ',
            ),
          )
        }
        return { exitCode: damages.length === 0 ? 0 : 13, summary: { ...report, damages: damages.length } }
      })
    })
}
