import { PassThrough } from 'node:stream'
import type { Surroundings } from '../../src/cli/surroundings.ts'

export interface FakeSurroundings extends Surroundings {
  readonly written: { stdout: string; stderr: string }
  /** What Ctrl-C does. */
  interrupt(): void
  /** What somebody types. */
  type(text: string): void
  readonly quits: number[]
  readonly entered: string[]
}

/** A process that is none: what is written is kept, and an interrupt is a call. */
export function cliSurroundings(options: {
  readonly cwd: string
  readonly terminal?: boolean
  readonly columns?: number
  readonly env?: Surroundings['env']
  readonly input?: string
}): FakeSurroundings {
  const { cwd, terminal = false, columns = 100, env = {}, input } = options
  const written = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof written) => {
    const through = Object.assign(new PassThrough(), { isTTY: terminal, columns })
    through.on('data', (chunk) => (written[name] += String(chunk)))
    return through
  }
  const stdin = Object.assign(new PassThrough(), { isTTY: terminal })
  if (input !== undefined) stdin.end(input)
  const listeners = new Set<() => void>()
  const quits: number[] = []
  const entered: string[] = []
  return {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    stdin,
    env,
    account: () => 'operator',
    cwd,
    written,
    quits,
    entered,
    type: (text) => void stdin.write(text),
    enter: (folder) => void entered.push(folder),
    onInterrupt(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    quit: (exitCode) => void quits.push(exitCode),
    interrupt: () => [...listeners].forEach((listener) => listener()),
  }
}
