import { stdout } from 'node:process'
import { styleText } from 'node:util'
import type { ProgressSnapshot, RestoreResult } from 'holdfast'

const WIDTH = 30

/** One line that is painted over on a terminal; off a terminal only its last state is printed. */
export function bar(progress: ProgressSnapshot): void {
  const filled = Math.round((progress.percent / 100) * WIDTH)
  const text = `  ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${progress.percent.toFixed(1).padStart(5)} %  ${progress.records.toLocaleString('en')} records  ${megabytes(progress.plainBytes)}`
  const over = progress.phase === 'done'
  if (stdout.isTTY) stdout.write(`\r${text}${over ? '\n' : ''}`)
  else if (over) console.log(text)
}

export function title(text: string): void {
  console.log(`\n${styleText('bold', text)}`)
}

export function say(text: string): void {
  console.log(`  ${text}`)
}

export function table({ entities }: RestoreResult): void {
  const head = ['entity', 'records', 'create', 'update', 'identical', 'extra']
  const rows = entities.map(({ entity, records, create, update, identical, extra }) => [entity, records, create, update, identical, extra].map(String))
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)))
  for (const row of [head, ...rows]) say(row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  '))
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
