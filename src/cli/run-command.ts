import { dirname } from 'node:path'
import { findConfig } from '../config/find-config.ts'
import { loadConfig } from '../config/load-config.ts'
import type { Logger } from '../contracts/logger.ts'
import { createHoldfast, type Holdfast } from '../holdfast.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Interrupts } from './interrupts.ts'
import type { Json, Output } from './output.ts'
import type { Surroundings } from './surroundings.ts'

export interface GlobalOptions {
  readonly config?: string
  readonly json?: boolean
  readonly verbose?: boolean
}

/** What a command has to work with. */
export interface CommandContext {
  readonly holdfast: Holdfast
  readonly output: Output
  readonly interrupts: Interrupts
  readonly surroundings: Surroundings
  readonly options: GlobalOptions
}

/** How a command ended. `summary` is what the last line for programs says besides. */
export interface CommandResult {
  readonly exitCode: ExitCode
  readonly summary: Json
}

export type CommandAction = (context: CommandContext) => Promise<CommandResult>
/** The same for what needs no configuration. */
export type RunAlone = (name: string, action: (context: Omit<CommandContext, 'holdfast' | 'options'>) => Promise<CommandResult>) => Promise<void>
/** Hands the action its context; given to each command when the program is put together. */
export type RunCommand = (name: string, options: GlobalOptions, action: CommandAction) => Promise<void>

/** Loads the configuration, wires Holdfast, runs the action, and closes what was opened, whatever happened. */
export async function runCommand(name: string, action: CommandAction, parts: Omit<CommandContext, 'holdfast'>): Promise<CommandResult> {
  const { output, surroundings, options } = parts
  const { env, cwd } = surroundings
  const path = findConfig({ cwd, file: options.config ?? (env.HOLDFAST_CONFIG === '' ? undefined : env.HOLDFAST_CONFIG) })
  surroundings.enter(dirname(path))
  const config = await loadConfig(path, { env, command: name })
  try {
    const { logger = output.verbose ? noteLogger(output) : undefined } = config.options
    const holdfast = await createHoldfast({ ...config.options, ...(logger ? { logger } : {}) })
    try {
      return await action({ ...parts, holdfast })
    } finally {
      await holdfast.close()
    }
  } finally {
    await config.close()
  }
}

function noteLogger(output: Output): Logger {
  const line = (level: string) => (facts: Json, message: string) => output.note(output.style('dim', `${level} ${message} ${JSON.stringify(facts)}`))
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
