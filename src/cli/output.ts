import { styleText } from 'node:util'
import type { HoldfastError } from '../kernel/errors.ts'
import type { Surroundings } from './surroundings.ts'

export type Json = Readonly<Record<string, unknown>>

/** Where a command puts what it has to say: lines of JSON for programs, text for people. */
export interface Output {
  readonly json: boolean
  readonly verbose: boolean
  /** Progress is painted over in place: a terminal, and nobody asked for plain lines. */
  readonly repaints: boolean
  readonly columns: number
  /** One line of data for programs. */
  record(type: string, fields: Json): void
  /** Data for people, on stdout. */
  text(text: string): void
  /** What people want to know besides, on stderr. */
  note(text: string): void
  warning(message: string): void
  /** Paints on stderr as it is. */
  paint(text: string): void
  error(error: HoldfastError, exitCode: number): void
  style(format: 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan', text: string): string
}

export function createOutput({ stdout, stderr, env }: Surroundings, { json, verbose }: { readonly json: boolean; readonly verbose: boolean }): Output {
  const isTerminal = stderr.isTTY === true && env.TERM !== 'dumb'
  const colours = isTerminal && (env.NO_COLOR ?? '') === ''
  const style: Output['style'] = (format, text) => (colours ? styleText(format, text, { validateStream: false }) : text)
  const say = (text: string) => void stderr.write(`${text}\n`)
  const record: Output['record'] = (type, fields) => {
    if (json) stdout.write(`${JSON.stringify({ type, ...fields })}\n`)
  }
  return {
    json,
    verbose,
    repaints: isTerminal && !json && (env.CI ?? '') === '',
    columns: stderr.columns ?? 80,
    record,
    style,
    text(text) {
      if (!json) stdout.write(`${text}\n`)
    },
    note(text) {
      if (!json) say(text)
    },
    warning(message) {
      if (json) record('warning', { message })
      else say(`${style('yellow', 'warning:')} ${message}`)
    },
    paint: (text) => void stderr.write(text),
    error(error, exitCode) {
      const causes = verbose ? causesOf(error) : []
      record('error', { ...error.toJSON(), message: error.reason, ...(verbose ? { causes } : {}), exitCode })
      if (json) return
      say(`${style('red', `${error.code}:`)} ${error.reason}`)
      say(`${style('cyan', 'hint:')} ${error.hint}`)
      for (const cause of causes) say(`${style('dim', 'cause:')} ${cause}`)
    },
  }
}

/** The native errors below, outermost first. */
function causesOf(error: HoldfastError): string[] {
  const causes: string[] = []
  for (let cause = error.cause; cause !== undefined && cause !== null && causes.length < 10; cause = cause instanceof Error ? cause.cause : undefined)
    causes.push(cause instanceof Error ? (cause.stack ?? String(cause)) : (JSON.stringify(cause) ?? 'nothing'))
  return causes
}
