import { join } from 'node:path'
import type { EntityStore } from '../../../src/contracts/index.ts'
import { openSqliteFile, type SqliteFile, tableMapping } from '../../support/sqlite.ts'

const ROWS = 200
const TURNS = 7

/**
 * A database whose whole content follows from one number: with each generation, in one transaction, every seventh row is written anew. So a snapshot tells by itself
 * whether it is one committed state, whoever took it and whenever that one died.
 */
export function openGenerations(folder: string): { readonly file: SqliteFile; readonly store: EntityStore } {
  const file = openSqliteFile(folder, join(folder, 'app.db'))
  file.exec(`CREATE TABLE IF NOT EXISTS generation (id INTEGER PRIMARY KEY, now INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS thing (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT`)
  if (Number(file.value('SELECT count(*) FROM generation')) === 0) {
    file.exec('BEGIN IMMEDIATE; INSERT OR IGNORE INTO generation VALUES (1, 0)')
    for (let id = 0; id < ROWS; id++) file.exec(`INSERT OR IGNORE INTO thing VALUES (${id}, '${textOf(id, 0)}')`)
    file.exec('COMMIT')
  }
  return { file, store: file.store([tableMapping('generation', ['id', 'now']), tableMapping('thing', ['id', 'text'])]) }
}

export function nextGeneration(file: SqliteFile): void {
  file.exec('BEGIN IMMEDIATE')
  const now = Number(file.value('SELECT now FROM generation')) + 1
  file.exec(`UPDATE generation SET now = ${now}`)
  for (let id = now % TURNS; id < ROWS; id += TURNS) file.exec(`UPDATE thing SET text = '${textOf(id, now)}' WHERE id = ${id}`)
  file.exec('COMMIT')
}

function textOf(id: number, now: number): string {
  const written = now - ((((now - id) % TURNS) + TURNS) % TURNS)
  return `thing ${id} of generation ${Math.max(written, 0)} ${'x'.repeat(40)}`
}

/** What is wrong with the records of a snapshot; nothing when they are one generation. */
export function generationFaults(generation: string, thing: string): string[] {
  const [head] = generation.trimEnd().split('\n')
  const { now } = JSON.parse(head ?? '{}') as { readonly now?: number }
  if (now === undefined) return ['there is no generation']
  const things = thing
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly id: number; readonly text: string })
  const faults = things.filter(({ id, text }) => text !== textOf(id, now)).map(({ id, text }) => `${id} is "${text.slice(0, 40)}" in generation ${now}`)
  return things.length === ROWS ? faults : [`${things.length} things`, ...faults]
}
