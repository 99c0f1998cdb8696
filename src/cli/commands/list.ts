import type { Command } from 'commander'
import { bytes, moment } from '../../kernel/amounts.ts'
import { wholeNumber } from '../option-values.ts'
import type { CommandContext, CommandResult, GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, scopeAgain, type ScopeOptions } from '../scope-option.ts'
import { textTable } from '../../kernel/text-table.ts'

interface ListOptions extends GlobalOptions, ScopeOptions {
  readonly limit?: number
  readonly unfinished?: boolean
}

export function addList(program: Command, run: RunCommand): void {
  const command = program
    .command('list')
    .summary('list snapshots, newest first')
    .description('Lists snapshots, newest first, or the sessions that have none yet and can be resumed.')
    .argument('[plan]', 'of this plan only')
    .option('--limit <n>', 'at most so many', wholeNumber)
    .option('--unfinished', 'backups that were paused, failed or killed, or that run now, with their tokens')
  addScopeOption(command)
    .addHelpText('after', '\nExamples:\n  $ holdfast list shop --limit 10\n  $ holdfast list --json\n  $ holdfast list --unfinished')
    .action(async (plan: string | undefined, _, command: Command) => {
      const options = command.optsWithGlobals<ListOptions>()
      await run('list', options, (context) => (options.unfinished ? listSessions(plan, options, context) : listSnapshots(plan, options, context)))
    })
}

async function listSnapshots(
  plan: string | undefined,
  { limit, scope }: ListOptions,
  { holdfast, output, interrupts }: CommandContext,
): Promise<CommandResult> {
  const { signal } = interrupts
  const snapshots = await holdfast.discovery.snapshots({ scope, signal, ...(plan === undefined ? {} : { plan }), ...(limit === undefined ? {} : { limit }) })
  for (const snapshot of snapshots) output.record('snapshot', { ...snapshot })
  if (snapshots.length === 0) output.note('There are no snapshots.')
  else {
    const rows = snapshots.map(({ id, planId, kind, viewAt, rows, storedBytes, metadata }) => [
      id,
      planId,
      kind,
      moment(viewAt),
      rows,
      bytes(storedBytes),
      Object.entries(metadata)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ])
    output.text(textTable(['snapshot', 'plan', 'kind', 'state of', 'records', 'stored', 'facts'], rows))
  }
  return { exitCode: 0, summary: { snapshots: snapshots.length } }
}

async function listSessions(plan: string | undefined, { limit, scope }: ListOptions, { holdfast, output, interrupts }: CommandContext): Promise<CommandResult> {
  if (plan !== undefined) holdfast.plans.get(plan)
  const all = await holdfast.discovery.unfinished({ scope, signal: interrupts.signal })
  const sessions = all.filter(({ planId }) => plan === undefined || planId === plan).slice(0, limit)
  for (const session of sessions) output.record('session', { ...session })
  if (sessions.length === 0) output.note('There are no unfinished sessions.')
  for (const { id, planId, state, startedAt, token } of sessions)
    output.text(`${id}  ${planId}  ${state}  since ${moment(startedAt)}\n  holdfast resume ${token}${scopeAgain(scope)}`)
  return { exitCode: 0, summary: { sessions: sessions.length } }
}
