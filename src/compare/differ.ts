import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { createLineParser, HIDDEN_VALUE, hiddenPaths, type LineParser, shownKeyText } from '../record/index.ts'
import type { FieldDifference, JsonValue, RecordDifference } from './record-difference.ts'
import type { RecordPair } from './record-pair.ts'
import { isCoded } from './schema-difference.ts'
import { valueOf } from './shown-value.ts'

/** How one side writes its records, and what must not be shown of them. */
export interface RecordSide {
  readonly descriptor: EntityDescriptor
  readonly sensitive: readonly string[]
}

/** What differs in two lines of one record: null when nothing that is compared does. */
export type Differ = (pair: RecordPair) => RecordDifference | null

/** Compares by field: values are equal when they are written with the same bytes. Fields that both sides do not have, or write in other ways, are left out. */
export function createDiffer(before: RecordSide, after: RecordSide): Differ {
  const { store, name: entity } = after.descriptor
  const hidden = new Set([...hiddenPaths(before), ...hiddenPaths(after)])
  const [left, right] = [parserOf(before), parserOf(after)]
  const [leftPaths, rightPaths] = [pathsOf(before), pathsOf(after)]
  const common = leftPaths.flatMap((path, at) => {
    const other = rightPaths.indexOf(path)
    return isCoded(before.descriptor.fields[at], after.descriptor.fields[other]) ? [{ path, at, other }] : []
  })
  const hiddenKey = after.descriptor.key.map((path) => hidden.has(path))
  const shownKey = (key: KeyText) => shownKeyText(hiddenKey, key)
  const shown = (path: string, token: string): JsonValue => (hidden.has(path) ? HIDDEN_VALUE : valueOf(token))

  const whole = (line: Uint8Array, parser: LineParser, paths: readonly string[], side: 'before' | 'after'): FieldDifference[] => {
    const tokens = tokensOf(line, parser)
    return paths.map((path, at) => ({ field: path, [side]: shown(path, tokens[at]!) }))
  }

  return (pair) => {
    const key = shownKey(pair.key)
    if (!pair.before) return { store, entity, key, change: 'added', fields: whole(pair.after!, right, rightPaths, 'after') }
    if (!pair.after) return { store, entity, key, change: 'removed', fields: whole(pair.before, left, leftPaths, 'before') }
    const old = tokensOf(pair.before, left)
    const now = tokensOf(pair.after, right)
    const fields: FieldDifference[] = []
    for (const { path, at, other } of common) {
      if (old[at] === now[other]) continue
      const [was, is] = [shown(path, old[at]!), shown(path, now[other]!)]
      // 1.0 and 1.00 in a document are not the same to the database, though they are to JavaScript: then the text says what differs.
      const alike = !hidden.has(path) && JSON.stringify(was) === JSON.stringify(is)
      fields.push({ field: path, before: alike ? old[at]! : was, after: alike ? now[other]! : is })
    }
    return fields.length === 0 ? null : { store, entity, key, change: 'changed', fields }
  }
}

function pathsOf({ descriptor }: RecordSide): readonly string[] {
  return descriptor.fields.map(({ path }) => path)
}

function parserOf(side: RecordSide): LineParser {
  return createLineParser({ entity: side.descriptor.name, fields: pathsOf(side) })
}

function tokensOf(line: Uint8Array, parser: LineParser): string[] {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
  const spans = parser.spans(bytes, 0, bytes.byteLength, 0)
  const tokens: string[] = []
  for (let at = 0; at < spans.length; at += 2) tokens.push(bytes.toString('utf8', spans[at], spans[at + 1]))
  return tokens
}
