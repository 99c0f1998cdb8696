import type { FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { MaskContext, Masker } from '../contracts/masker.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { ValueError, valueToken } from '../record/index.ts'
import { fakeFor, textOf } from './fake-value.ts'

export interface CustomMask {
  /** Part of results; equal names mean equal answers to equal values. */
  readonly name: string
  /** Says that different values get different answers; needed for unique columns. Default false. */
  readonly keepsUnique?: boolean
  /** A value in record encoding into another. Pure. `digest` gives 64 hex digits of a text under the key. */
  readonly mask: (value: unknown, tools: { readonly digest: (text: string) => string; readonly field: string }) => unknown
}

/** Hex digits of a hash: 128 bits. */
const HASH_DIGITS = 32
/** Of an address: 80 bits, so that no two of a million people share one. */
const ADDRESS_DIGITS = 20
const SHORTEST_HASH = 16

/** What `@Sensitive` and `maskEntity` take. Under one key equal values get equal answers, in all entities and in every restore. NULL stays NULL. */
export const masks = {
  /**
   * Another value of the same shape: digits for digits, letters for letters of the same script and case, the rest as it is; numbers of as many digits; days of the same decade. Different values stay different. For short values
   * that is a weak cover: one of ten digits. `seed`: columns of another seed get other answers.
   */
  fake: ({ seed = '' }: { readonly seed?: string } = {}): Masker => ({
    name: seed === '' ? 'fake' : `fake ${seed}`,
    keepsUnique: true,
    for: (field, context) => fakeFor(field, seed, context),
  }),
  /** 32 hex digits, or as many as the column holds, at least 16. For text. */
  hash: (): Masker => ({ name: 'hash', keepsUnique: true, for: hashFor }),
  /** An address under `example.invalid`, to which no mail can ever go. For text of 36 characters and more. */
  email: (): Masker => ({ name: 'email', keepsUnique: true, for: emailFor }),
  /** The same value everywhere, in record encoding. Never for unique columns. */
  fixed: (value: string | number | boolean): Masker => ({
    name: 'fixed',
    keepsUnique: false,
    for(field) {
      valueToken(field, value)
      return () => value
    },
  }),
  /** NULL. For columns that take it. */
  null: (): Masker => ({
    name: 'null',
    keepsUnique: true,
    for(field) {
      if (!field.nullable) throw new ValueError('the column takes no NULL')
      return () => null
    },
  }),
  /** A function of the application. */
  custom({ name, keepsUnique = false, mask }: CustomMask): Masker {
    if (typeof name !== 'string' || name === '' || typeof mask !== 'function')
      throw new HoldfastError('E_CONFIG', 'masks.custom needs `name`, a text, and `mask`, a function')
    return {
      name: `custom ${name}`,
      keepsUnique,
      for: ({ path }, context) => {
        const tools = { digest: (text: string) => context.digest(`custom\n${name}\n${text}`).toString('hex'), field: path }
        return (value) => mask(value, tools)
      },
    }
  },
  /** Declares that the values are not sensitive, whatever the column is called. */
  plain: (): Masker => ({ name: 'plain', keepsUnique: true, plain: true, for: () => (value) => value }),
} as const

function hashFor(field: FieldDescriptor, context: MaskContext): (value: unknown) => unknown {
  const digits = Math.min(HASH_DIGITS, roomOf(field))
  if (digits < SHORTEST_HASH) throw new ValueError(`${field.dbType} is too short for a hash of ${SHORTEST_HASH} digits`)
  return (value) =>
    context
      .digest(`hash\n${textOf(value)}`)
      .toString('hex')
      .slice(0, digits)
}

function emailFor(field: FieldDescriptor, context: MaskContext): (value: unknown) => unknown {
  const domain = '@example.invalid'
  if (roomOf(field) < ADDRESS_DIGITS + domain.length) throw new ValueError(`${field.dbType} is too short for an address`)
  return (value) =>
    `${context
      .digest(`email\n${textOf(value)}`)
      .toString('hex')
      .slice(0, ADDRESS_DIGITS)}${domain}`
}

/** Characters that the column holds. @throws ValueError when it holds no text */
function roomOf({ type, dbType }: FieldDescriptor): number {
  const text = type.kind === 'text' && !/^(?:uuid|date|time|interval|enum|set|inet|cidr|json|xml)\b/i.test(dbType)
  const dynamic = type.kind === 'dynamic' && (type.affinity === 'text' || type.affinity === 'numeric')
  if (!text && !dynamic) throw new ValueError(`${dbType || type.kind} holds no text`)
  const room = /\((\d+)\)/.exec(dbType)?.[1]
  return room === undefined || dynamic ? Number.POSITIVE_INFINITY : Number(room)
}
