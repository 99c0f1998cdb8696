import { Type } from 'typebox'
import type { KeyContext } from '../contracts/key-provider.ts'
import { createCheck } from './checked-schema.ts'
import { ScopeSchema, Sha256Schema } from './manifest-schema.ts'

/** One key as it is stored: wrapped, and in clear who can open it. */
export interface KeyRecord {
  readonly purpose: KeyContext['purpose']
  readonly scope: string | null
  /** 1 for the first. What is written is sealed with the key of the latest. */
  readonly epoch: number
  readonly keyId: string
  readonly createdAt: string
  /** Says which key it is, and nothing of it (hex). */
  readonly commitment: string
  readonly wraps: readonly KeyWrap[]
  /** HMAC (hex) under the key of the repository over the other members, so that nobody else can slip in a key. Absent on the key of the repository itself. */
  readonly mac?: string
}

export interface KeyWrap {
  readonly kind: string
  readonly reference: string
  /** Base64. */
  readonly wrapped: string
}

export const checkKeyRecord = createCheck<KeyRecord>()(
  Type.Object({
    purpose: Type.Enum(['repository', 'data']),
    scope: ScopeSchema,
    epoch: Type.Integer({ minimum: 1, maximum: 9999 }),
    keyId: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    createdAt: Type.String(),
    commitment: Sha256Schema,
    wraps: Type.Array(Type.Object({ kind: Type.String(), reference: Type.String(), wrapped: Type.String({ maxLength: 16_384 }) }), {
      minItems: 1,
      maxItems: 16,
    }),
    mac: Type.Optional(Sha256Schema),
  }),
)
