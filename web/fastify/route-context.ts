import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifySchema,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Holdfast } from '../../src/holdfast.ts'
import type { Gate, RouteAccess } from './authorize.ts'
import type { EventStreams } from './event-streams.ts'
import { type Operation, OPERATIONS } from './operations.ts'
import type { RoutesSettings } from './routes-options.ts'

export type RoutesInstance = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, TypeBoxTypeProvider>

/** What a route is made from. */
export interface RouteContext {
  readonly app: RoutesInstance
  readonly holdfast: Holdfast
  readonly gate: Gate
  readonly streams: EventStreams
  readonly settings: RoutesSettings
  /** Aborted when the server begins to close. */
  readonly closing: AbortSignal
}

/** Makes one route. A route file exports one of these. */
export type Route = (context: RouteContext) => void

/** The parts of a route that follow from its operation: documentation, and the access that the gate asks for. */
export function endpoint<S extends FastifySchema>(
  { settings }: RouteContext,
  operation: Operation,
  schema: S,
): { schema: S; config: { holdfast: RouteAccess } } {
  const { action, summary } = OPERATIONS[operation]
  const { tags, hide } = settings.openapi
  return { schema: { operationId: operation, summary, tags: [...tags], hide, ...schema }, config: { holdfast: { action, operation } } }
}

/** For work that nobody waits for any more: aborted when the client is gone, or the server closes. */
export function whileWanted({ closing }: RouteContext, reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  // Before it came to the route: while `authorize` was asked.
  if (reply.raw.destroyed && !reply.raw.writableFinished) gone.abort()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  return AbortSignal.any([gone.signal, closing])
}
