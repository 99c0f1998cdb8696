import { createInterface } from 'node:readline/promises'
import { abortError } from '../kernel/abort.ts'
import type { CommandContext } from './run-command.ts'

/** Asks on the terminal; only y or yes is yes. @throws `E_ABORTED` when interrupted */
export async function ask(
  question: string,
  { surroundings: { stdin, stderr }, interrupts: { signal } }: Pick<CommandContext, 'surroundings' | 'interrupts'>,
): Promise<boolean> {
  // Not as a terminal: Ctrl-C is to reach the process as a signal, as everywhere else.
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  try {
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), closed])
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    if (signal.aborted) throw abortError(signal)
    throw error
  } finally {
    lines.close()
  }
}
