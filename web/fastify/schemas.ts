import { type Static, type TSchema, type TUnsafe, Type } from 'typebox'
import { type ErrorCode, ERRORS } from '../../src/kernel/errors.ts'
import type { ErrorEnvelope } from './error-response.ts'
import { UUID_PATTERN } from './uuid-pattern.ts'

/** The type without `readonly`, down to the leaves, flat: schemas and interfaces that mean the same then are the same. */
type Plain<T> = T extends readonly (infer Item)[] ? Plain<Item>[] : T extends object ? { -readonly [Name in keyof T]: Plain<T[Name]> } : T
// The two conditional types are the same only if A and B are, to the last optional member; `extends` both ways would let one of those slip.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
type Same<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false

/**
 * Ties a response schema to the type that is sent. It compiles only while both have the same members: the serializer leaves out whatever the
 * schema does not name, so a member added to the type alone would vanish on the wire.
 */
export function schemaOf<T>(): <S extends TSchema>(schema: Same<Plain<Static<S>>, Plain<T>> extends true ? S : never) => TUnsafe<T> {
  return (schema) => Type.Unsafe<T>(schema)
}

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
export const Count = Type.Integer({ minimum: 0 })
export const Time = Type.String({ description: 'ISO 8601, UTC' })
export const Names = Type.Array(Type.String())

export const Uuid = Type.String({ pattern: UUID_PATTERN, description: 'UUID in lower case' })
export const PlanId = Type.String({ minLength: 1, maxLength: 63 })
export const IdParams = Type.Object({ id: Uuid }, { additionalProperties: false })
/** Part of the body of what is told afterwards, with who asked. */
export const By = Type.Optional(Type.String({ maxLength: 200, description: 'Who asks, for history and audit' }))
/** For routes that take none: neither a body nor a query is accepted and then ignored. */
export const NoBody = Type.Union([Type.Object({}, { additionalProperties: false }), Type.Null()])
const Scope = Type.String({ minLength: 1, maxLength: 512, description: 'Tenant; where the routes serve tenants. Default: what belongs to none' })
/** Part of the query of every route that finds something of a tenant. */
export const scopeMember = { scope: Type.Optional(Scope) }
export const ScopeQuery = Type.Object(scopeMember, { additionalProperties: false })
export const TargetScopeQuery = Type.Object({ ...scopeMember, targetScope: Type.Optional(Scope) }, { additionalProperties: false })
export const NoQuery = Type.Object({}, { additionalProperties: false })

export const CodeSchema = Type.Enum(Object.keys(ERRORS) as ErrorCode[])

export const ErrorSchema = schemaOf<ErrorEnvelope>()(
  Type.Object(
    {
      code: CodeSchema,
      message: Type.String(),
      hint: Type.String({ description: 'The way out' }),
      details: Type.Record(Type.String(), Type.Unknown()),
      retryable: Type.Boolean({ description: 'The same request may succeed later' }),
    },
    { description: 'What went wrong. `code` is stable, the texts are for people.' },
  ),
)

/** Part of the responses of every route. */
export const ERROR_RESPONSES = { '4xx': ErrorSchema, '5xx': ErrorSchema } as const

/** How the hooks of the application went. */
export const HooksSchema = Type.Array(
  Type.Object({
    hook: Type.Enum(['beforeBackup', 'afterBackup', 'beforeView', 'afterView', 'beforeRestore', 'afterRestore']),
    of: Type.Enum(['application', 'plan']),
    at: Time,
    durationMs: Type.Number(),
    outcome: Type.Enum(['done', 'failed']),
    note: Type.Optional(Type.String()),
    error: Type.Optional(Type.String()),
  }),
)
