import type { Command } from 'commander'
import { outcomeText } from '../../evolution/index.ts'
import type { RestorableReport } from '../../restore/index.ts'
import { counted } from '../../kernel/amounts.ts'
import type { Output } from '../output.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'

interface CheckRestorableOptions extends GlobalOptions, ScopeOptions {
  readonly plan?: string
  readonly versions?: boolean
}

export function addCheckRestorable(program: Command, run: RunCommand): void {
  const command = program
    .command('check-restorable')
    .summary("prove that snapshots still fit today's entities")
    .description(
      "Holds every kept snapshot, or one, against today's entities and tables, and tries the up-casters on every record that they apply to. Nothing is written. The exit code is 14 when a restore " +
        'of one of them would be refused.',
    )
    .argument('[snapshot]', 'id of a snapshot; default all')
    .option('--plan <plan>', 'only snapshots of this plan')
    .option('--versions', 'print the fingerprints of the entities, which up-casters take as versions')
  addScopeOption(command)
    .addHelpText('after', '\nExample, in the pipeline that runs migrations:\n  $ holdfast check-restorable --json')
    .action(async (snapshot: string | undefined, _, command: Command) => {
      const { plan, scope, versions = false, ...options } = command.optsWithGlobals<CheckRestorableOptions>()
      await run('check-restorable', options, async ({ holdfast, output, interrupts: { signal } }) => {
        let checked = 0
        let refused = 0
        const query = { scope, signal, ...(snapshot === undefined ? {} : { snapshot }), ...(plan === undefined ? {} : { plan }) }
        for await (const report of holdfast.restores.checkRestorable(query)) {
          checked++
          if (!report.restorable) refused++
          tell(report, versions, output)
        }
        output.text(refused === 0 ? `${counted(checked, 'snapshot')} would be restored` : `${refused} of ${counted(checked, 'snapshot')} would be REFUSED`)
        return { exitCode: refused === 0 ? 0 : 14, summary: { snapshots: checked, refused } }
      })
    })
}

function tell(report: RestorableReport, versions: boolean, output: Output): void {
  const { snapshotId, planId, viewAt, restorable, problems, schema } = report
  output.record('snapshot', { ...report })
  output.text(`${restorable ? 'ok     ' : 'REFUSED'} ${snapshotId}  ${planId}, ${viewAt}`)
  for (const outcome of schema) output.text(`          ${outcomeText(outcome)}`)
  for (const { entity, code, message, hint } of problems) output.text(`          ${entity ?? ''} ${code}: ${message}\n            ${hint}`)
  if (versions) for (const { entity, version } of report.versions) output.text(`          ${entity} ${version.slice(0, 16)}`)
}
