import type { Command } from 'commander'
import type { BackupPolicy } from '../../plan/index.ts'
import type { GlobalOptions, RunCommand } from '../run-command.ts'

/** Of functions, that there is one. */
function shown({ source, retention, ...policy }: BackupPolicy): object {
  return {
    ...policy,
    source: { ...source, pauseWhen: source.pauseWhen !== null },
    retention: retention && { ...retention, strategy: retention.strategy !== undefined },
  }
}

export function addPlans(program: Command, run: RunCommand): void {
  program
    .command('plans')
    .summary('list the plans, what they cover and what nobody thought of, and the restores that are declared')
    .description('Lists the plans and the entities that each covers, and warns of entities that no plan takes and nobody excluded. Asks no database.')
    .addHelpText('after', '\nExamples:\n  $ holdfast plans\n  $ holdfast plans --json')
    .action(async (_, command: Command) => {
      await run('plans', command.optsWithGlobals<GlobalOptions>(), async ({ holdfast, output }) => {
        const { report } = holdfast
        for (const { plan, module } of report.plans) {
          const entities = plan.entities.map(({ store, entity, bucket, ignore, sensitive }) => ({ store, entity, bucket, ignore, sensitive }))
          output.record('plan', {
            id: plan.id,
            description: plan.description,
            module,
            bucket: plan.bucket,
            policy: shown(plan.policy),
            entities,
          })
        }
        const restores = holdfast.restores.listNamed()
        for (const { id, description, plan } of restores) output.record('named-restore', { id, description, plan })
        for (const { store, entity, reason } of report.inventory.entities.filter(({ state }) => state === 'excluded'))
          output.record('excluded', { store, entity, reason })
        if (output.json) for (const warning of report.warnings) output.warning(String(warning))
        output.text(String(report))
        for (const { id, description, plan } of restores) output.text(`Restore ${id}: ${description} (plan ${plan})`)
        const uncovered = report.inventory.entities.filter(({ state }) => state === 'uncovered').length
        return { exitCode: 0, summary: { plans: report.plans.length, restores: restores.length, uncovered } }
      })
    })
}
