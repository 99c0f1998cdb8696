import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { ConflictPolicy, LineSource } from '../contracts/restore-target.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { createLineParser } from '../record/index.ts'
import type { LineShape } from './line-shape.ts'
import type { SelectedRows } from './row-selection.ts'

/** The shape with the chosen rows and fields alone. @throws `E_CONFIG` for fields that cannot be chosen */
export function selectedShape(shape: LineShape, selected: SelectedRows | undefined, policy: ConflictPolicy): LineShape {
  if (!selected) return shape
  const { fields, rows, kept } = selected
  const record = fields ? projected(shape.record, fields, policy) : shape.record
  const chosen = (lines: LineSource): LineSource => ({ rows, open: (options) => (kept ? batches(kept) : selected.filter(lines.open(options))) })
  return {
    ...shape,
    record,
    same: false,
    atHand: kept !== undefined,
    meant: (lines) => shape.meant(chosen(lines)),
    apply(lines, ranges) {
      const whole = shape.apply(chosen(lines), ranges)
      return record === shape.record ? whole : { rows: whole.rows, open: (options) => project(whole.open(options), shape.record, record) }
    },
  }
}

/** Bytes of lines that are given at once. */
const BATCH_BYTES = 256 * 1024

async function* batches(lines: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < lines.length;) {
    const first = at
    for (let bytes = 0; at < lines.length && bytes < BATCH_BYTES; at++) bytes += lines[at]!.byteLength
    yield Buffer.concat(lines.slice(first, at))
  }
}

/** Key and chosen fields. A reference of which a part is missing is none any more. */
function projected(record: EntityDescriptor, chosen: readonly string[], policy: ConflictPolicy): EntityDescriptor {
  const unknown = chosen.filter((path) => !record.fields.some((field) => field.path === path))
  const keys = chosen.filter((path) => record.key.includes(path))
  const refuse = (why: string) => {
    throw new HoldfastError('E_CONFIG', `these \`fields\` of "${record.name}" cannot be chosen: ${why}`, {
      hint: `It has ${record.fields.map(({ path }) => path).join(', ')}; its key is ${record.key.join(', ')}.`,
    })
  }
  if (chosen.length === 0) refuse('the list is empty')
  if (unknown.length > 0) refuse(`there is no ${unknown.join(', ')}`)
  if (keys.length > 0) refuse(`${keys.join(', ')} is part of the key, by which rows are found`)
  const fields = record.fields.filter(({ path }) => record.key.includes(path) || chosen.includes(path))
  const has = (path: string | undefined) => path !== undefined && fields.some((field) => field.path === path)
  if (policy === 'newer-version-wins' && !has(record.version) && !has(record.updatedAt))
    refuse('`newer-version-wins` needs the version or updated-at property among them')
  const { version, updatedAt, ...rest } = record
  return {
    ...rest,
    fields,
    references: record.references.filter(({ fields: own, when }) => own.every(has) && (!when || has(when.field))),
    ...(has(version) ? { version: version! } : {}),
    ...(has(updatedAt) ? { updatedAt: updatedAt! } : {}),
  }
}

async function* project(pieces: AsyncIterable<Uint8Array>, from: EntityDescriptor, to: EntityDescriptor): AsyncGenerator<Uint8Array, void, undefined> {
  const parser = createLineParser({ entity: from.name, fields: from.fields.map(({ path }) => path) })
  const parts = to.fields.map(({ path }, at) => ({
    head: Buffer.from(`${at === 0 ? '{' : ','}${JSON.stringify(path)}:`),
    at: from.fields.findIndex((field) => field.path === path) * 2,
  }))
  let number = 0
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    const out: Buffer[] = []
    for (let start = 0; start < bytes.byteLength;) {
      const end = bytes.indexOf(0x0a, start) + 1
      const spans = parser.spans(bytes, start, end, ++number)
      for (const { head, at } of parts) out.push(head, bytes.subarray(spans[at], spans[at + 1]))
      out.push(CLOSE)
      start = end
    }
    if (out.length > 0) yield Buffer.concat(out)
  }
}

const CLOSE = Buffer.from('}\n')
