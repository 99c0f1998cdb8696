import type { BackupResult, BackupSession } from '../export/index.ts'
import { bytes, counted, duration } from '../kernel/amounts.ts'
import { asCommandError } from './command-error.ts'
import { showProgress } from './progress-view.ts'
import type { CommandContext, CommandResult } from './run-command.ts'
import { scopeAgain } from './scope-option.ts'
import { shellWord } from './shell-word.ts'

/** Waits for a backup and tells how it ended. The first interrupt pauses it, the next one ends the process; either way its token goes on with it. */
export async function followBackup(session: BackupSession, { output, interrupts, options }: CommandContext): Promise<CommandResult> {
  const goOn = continuation(session, options.config)
  interrupts.handle(
    () => {
      output.note('Pausing at the next batch; interrupt again to stop at once.')
      session.pause().catch(() => {}) // how it ended is told by its result
    },
    () => leave('Stopped.', 'interrupted'),
  )
  const stop = showProgress(session, output, `backup ${session.planId}`)
  try {
    const result = await session.result()
    stop()
    tell(result)
    return { exitCode: 0, summary: { ...result } }
  } catch (thrown) {
    stop()
    const error = asCommandError(thrown)
    if (error.code !== 'E_SESSION_PAUSED') {
      if (session.state === 'failed') leave('What was read is kept.', 'interrupted')
      throw thrown
    }
    output.note(`Paused. Go on with it by:\n  ${goOn}`)
    return { exitCode: 130, summary: { state: 'paused', sessionId: session.id, planId: session.planId, token: session.token, resume: goOn } }
  }

  /** Says how to go on with a session that has no summary to say it. */
  function leave(text: string, state: string): void {
    const { id, planId, token } = session
    output.record('session', { id, planId, state, token })
    output.note(`${text} Go on with it by:\n  ${goOn}`)
  }

  function tell(result: BackupResult): void {
    const { snapshotId, planId, kind, kindReason, consistency, totals, durationMs, warnings } = result
    for (const warning of warnings) output.warning(warning)
    output.text(`Snapshot ${snapshotId}`)
    const reused = result.entities.reduce((sum, entity) => sum + entity.reusedChunks, 0)
    output.text(`  plan ${planId}, ${kind}${kindReason === null ? '' : ` (${kindReason})`}, consistency ${consistency}, in ${duration(durationMs)}`)
    output.text(
      `  ${counted(totals.rows, 'record')} of ${counted(totals.entities, 'entity').replace('entitys', 'entities')}, ${bytes(totals.plainBytes)}, stored in ${bytes(totals.storedBytes)}; ${counted(reused, 'range')} found unchanged`,
    )
  }
}

/** The command that goes on with a session. */
function continuation({ token, scope }: BackupSession, config: string | undefined): string {
  return `holdfast resume ${token}${scopeAgain(scope)}${config === undefined ? '' : ` --config ${shellWord(config)}`}`
}
