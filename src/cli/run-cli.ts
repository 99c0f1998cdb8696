import { CommanderError } from 'commander'
import { asCommandError } from './command-error.ts'
import { EXIT_CODE_OF, type ExitCode } from './exit-codes.ts'
import { listenForInterrupts } from './interrupts.ts'
import { createOutput, type Json } from './output.ts'
import { createProgram } from './program.ts'
import { type CommandResult, runCommand } from './run-command.ts'
import type { Surroundings } from './surroundings.ts'

/** Runs one command line, without the name of the program, and gives its exit code. Throws nothing. */
export async function runCli(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  // Also a command line that cannot be understood is answered in the form that was asked for.
  const output = createOutput(surroundings, { json: args.includes('--json'), verbose: args.includes('--verbose') })
  const interrupts = listenForInterrupts(surroundings)
  let command: string | null = null
  let exitCode: ExitCode = 0
  let summary: Json = {}
  const ended = (result: CommandResult) => {
    exitCode = result.exitCode
    summary = result.summary
  }
  const program = createProgram(
    surroundings,
    async (name, options, action) => {
      command = name
      ended(await runCommand(name, action, { output, interrupts, surroundings, options }))
    },
    async (name, action) => {
      command = name
      ended(await action({ output, interrupts, surroundings }))
    },
  )
  try {
    await program.parseAsync(args, { from: 'user' })
    if (command === null) return 0
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0 // help or version was asked for
    const error = asCommandError(thrown)
    exitCode = EXIT_CODE_OF[error.code]
    output.error(error, exitCode)
  } finally {
    interrupts.close()
  }
  output.record('summary', { command, exitCode, ...summary })
  return exitCode
}
