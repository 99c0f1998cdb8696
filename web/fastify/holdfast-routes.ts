import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginAsync } from 'fastify'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { createGate, type RouteAccess } from './authorize.ts'
import { sendError } from './error-response.ts'
import { EventStreams } from './event-streams.ts'
import { requestValidator } from './request-validator.ts'
import type { RouteContext } from './route-context.ts'
import { type HoldfastRoutesOptions, routesSettings } from './routes-options.ts'
import { CONTROL_ROUTES, READ_ROUTES, RECORD_ROUTES } from './routes/index.ts'

/**
 * Serves `fastify.holdfast` over HTTP, below the `prefix` it is registered with. Validator, error handler and hooks are its own: the rest of the
 * application is not touched.
 *
 * @throws `E_CONFIG` when neither `authorize` nor `publicRead` is given, when `control` is on without `authorize`, or an option is not known
 */
export const holdfastRoutes: FastifyPluginAsync<HoldfastRoutesOptions> = async (fastify, options) => {
  if (!fastify.hasDecorator('holdfast')) {
    throw new HoldfastError('E_CONFIG', '`fastify.holdfast` is missing', { hint: 'Register holdfastPlugin before holdfastRoutes.' })
  }
  const { holdfast } = fastify
  const settings = routesSettings(options, (id) => void holdfast.plans.get(id))
  const gate = createGate(settings)
  const streams = new EventStreams(settings.events)
  const closing = new AbortController()

  // Errors of authorisation come before anything of the request is read.
  fastify.addHook('onRequest', (request, reply) => gate.admit(request, reply, accessOf(request.routeOptions)))
  fastify.addHook('onRoute', (route) => void accessOf(route))
  // Before the server waits for its connections to end: an event stream would keep it for as long as the session runs.
  fastify.addHook('preClose', async () => {
    closing.abort(new HoldfastError('E_ABORTED', 'the server is closing'))
    streams.close()
  })
  fastify.setValidatorCompiler(requestValidator)
  fastify.setErrorHandler(sendError)

  const app = fastify.withTypeProvider<TypeBoxTypeProvider>()
  const context: RouteContext = { app, holdfast, gate, streams, settings, closing: closing.signal }
  for (const route of READ_ROUTES) route(context)
  if (settings.authorize) for (const route of RECORD_ROUTES) route(context)
  if (settings.control) for (const route of CONTROL_ROUTES) route(context)
}

/** A route that nobody said the access of is not served. */
function accessOf({ config, url }: { readonly config?: { readonly holdfast?: RouteAccess } | undefined; readonly url?: string | undefined }): RouteAccess {
  const access = config?.holdfast
  if (!access) throw new HoldfastError('E_FORBIDDEN', `${url ?? 'a route'} says nothing of the access it takes`)
  return access
}
