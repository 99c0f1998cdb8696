import type { FastifyReply, FastifyRequest } from 'fastify'
import { HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'
import type { Action, Operation } from './operations.ts'
import { scopesOf } from './request-scope.ts'
import type { RoutesSettings } from './routes-options.ts'

/** What a route does. */
export interface RouteAccess {
  readonly action: Action
  readonly operation: Operation
}

/** What a request is about to do. */
export interface Access extends RouteAccess {
  /**
   * The tenant whose backups, snapshots, restores and events it is about; null: what belongs to none. It sees nothing of any other. Always null unless the routes serve tenants (`scopes`). Where rows go
   * to another tenant, the question is asked for each of the two.
   */
  readonly scope: string | null
}

/** `true` lets the request in. `'unauthenticated'` answers 401, everything else 403. */
export type Verdict = boolean | 'unauthenticated'

/**
 * Decides whether a request may do something. It runs for every route before the body is read, so `request.body` is not there yet, after the hooks of the
 * surrounding application. It says `true` or it refuses: nothing returned is a refusal, and so is anything thrown (an error whose `statusCode` is 401 answers 401).
 * It does not send the reply; headers such as `www-authenticate` may be set on it. Some reading routes ask a second time with the action `control`, to know whether
 * tokens and record values may be shown. Where credentials travel in cookies, guard against forged requests too: that is the application's part.
 */
export type Authorize = (request: FastifyRequest, reply: FastifyReply, access: Access) => Verdict | Promise<Verdict>

/** What stands before every route. */
export interface Gate {
  /** @throws `E_UNAUTHENTICATED`, `E_FORBIDDEN` */
  admit(request: FastifyRequest, reply: FastifyReply, access: RouteAccess): Promise<void>
  /** Has the caller of this request the right to `control` as well? */
  mayControl(request: FastifyRequest, reply: FastifyReply): Promise<boolean>
}

/** Without `authorize`, which only `publicRead` allows, reading is free and control refused. */
export function createGate({ authorize, scopes }: Pick<RoutesSettings, 'authorize' | 'scopes'>): Gate {
  async function verdict(request: FastifyRequest, reply: FastifyReply, access: Access): Promise<Verdict> {
    if (!authorize) return access.action === 'read'
    try {
      return await authorize(request, reply, access)
    } catch (error) {
      const status = statusOf(error)
      // Refusing by throwing is a habit of authentication plugins; anything else that is thrown is a failure that somebody must see.
      if (status !== 401 && status !== 403) request.log.error({ err: error, operation: access.operation }, 'authorize failed; the request was refused')
      return status === 401 ? 'unauthenticated' : false
    }
  }

  return {
    async admit(request, reply, access) {
      for (const scope of scopesOf(request.query)) {
        if (scope !== null && !scopes)
          throw new HoldfastError('E_FORBIDDEN', 'nothing that belongs to a tenant is served here', { hint: 'Register the routes with `scopes: true`.' })
        const found = await verdict(request, reply, { ...access, scope })
        if (found === true) continue
        if (found === 'unauthenticated') throw new HoldfastError('E_UNAUTHENTICATED', `${access.operation} takes credentials`)
        throw new HoldfastError('E_FORBIDDEN', `${access.operation} takes the right to ${access.action}`, { details: { ...access, scope } })
      }
    },
    async mayControl(request, reply) {
      const access = request.routeOptions.config.holdfast
      if (access === undefined) return false
      for (const scope of scopesOf(request.query)) if ((await verdict(request, reply, { ...access, action: 'control', scope })) !== true) return false
      return true
    },
  }
}

function statusOf(error: unknown): number | null {
  if (isHoldfastError(error, 'E_UNAUTHENTICATED')) return 401
  if (isHoldfastError(error, 'E_FORBIDDEN')) return 403
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : null
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Set on every route of `holdfastRoutes`. */
    readonly holdfast?: RouteAccess
  }
}
