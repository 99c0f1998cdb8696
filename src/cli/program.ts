import { Command } from 'commander'
import { VERSION } from '../kernel/version.ts'
import { addApply } from './commands/apply.ts'
import { addAudit } from './commands/audit.ts'
import { addBackup } from './commands/backup.ts'
import { addBundle } from './commands/bundle.ts'
import { addCheckRestorable } from './commands/check-restorable.ts'
import { addCompare } from './commands/compare.ts'
import { addDelete } from './commands/delete.ts'
import { addErase } from './commands/erase.ts'
import { addHistory } from './commands/history.ts'
import { addKeys } from './commands/keys.ts'
import { addList } from './commands/list.ts'
import { addPlan } from './commands/plan.ts'
import { addPlans } from './commands/plans.ts'
import { addPrune } from './commands/prune.ts'
import { addReplay } from './commands/replay.ts'
import { addHold } from './commands/hold.ts'
import { addHolds } from './commands/holds.ts'
import { addRelease } from './commands/release.ts'
import { addRetain } from './commands/retain.ts'
import { addRows } from './commands/rows.ts'
import { addRestore } from './commands/restore.ts'
import { addRestores } from './commands/restores.ts'
import { addResume } from './commands/resume.ts'
import { addShow } from './commands/show.ts'
import { addStorage } from './commands/storage.ts'
import { addUndo } from './commands/undo.ts'
import { addVerify } from './commands/verify.ts'
import { EXIT_CODES } from './exit-codes.ts'
import type { RunAlone, RunCommand } from './run-command.ts'
import type { Surroundings } from './surroundings.ts'

/** The whole command line. What it writes itself is help and version; errors are thrown. */
export function createProgram({ stdout, stderr }: Pick<Surroundings, 'stdout' | 'stderr'>, run: RunCommand, alone: RunAlone): Command {
  const program = new Command('holdfast')
    .description('Backs up the entities of an application, and brings them back.')
    .version(VERSION, '-V, --version', 'print the version')
    .option('-c, --config <file>', 'configuration file (default: HOLDFAST_CONFIG, else holdfast.config.{ts,mts,js,mjs} here or above)')
    .option('--json', 'write lines of JSON to stdout')
    .option('--verbose', 'log to stderr, and show the causes of errors')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: () => {}, // it is thrown, and written by whoever catches it
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
    })
    .exitOverride()
  program.commandsGroup('Back up:')
  addBackup(program, run)
  addResume(program, run)
  program.commandsGroup('Look:')
  addPlans(program, run)
  addList(program, run)
  addShow(program, run)
  addVerify(program, run)
  addCheckRestorable(program, run)
  addCompare(program, run)
  addHistory(program, run)
  program.commandsGroup('Bring back, clean up:')
  addRestore(program, run)
  addPlan(program, run)
  addRows(program, run)
  addApply(program, run)
  addReplay(program, run)
  addUndo(program, run)
  addRestores(program, run)
  addDelete(program, run)
  addErase(program, run)
  addRetain(program, run)
  addHold(program, run)
  addHolds(program, run)
  addRelease(program, run)
  addPrune(program, run)
  addAudit(program, run)
  program.commandsGroup('Take along:')
  addBundle(program, run, alone)
  program.commandsGroup('Set up:')
  addKeys(program, run, alone)
  addStorage(program, run)
  const exits = Object.entries(EXIT_CODES).map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
  return program.addHelpText(
    'after',
    `
Examples:
  $ holdfast plans                           what is backed up, and what is not
  $ holdfast backup shop --meta ticket=4711  take a snapshot
  $ holdfast list shop                       snapshots, newest first
  $ holdfast compare <snapshot>              what changed since
  $ holdfast restore <snapshot> --dry-run    what would come back

Exit codes:
${exits.join('\n')}`,
  )
}
