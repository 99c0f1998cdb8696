import type { FastifyPluginAsync } from 'fastify'
import type { Holdfast } from '../../src/holdfast.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { loadFastifyPlugin } from './load-fastify-plugin.ts'

export interface HoldfastPluginOptions {
  /** What `createHoldfast` returned. */
  readonly holdfast: Holdfast
  /**
   * Close it with the server: running backups are paused, running restores cancelled, the storages closed. Default false: whoever made it closes it,
   * as with the ORM connections.
   */
  readonly closeHoldfast?: boolean
}

const plugin: FastifyPluginAsync<HoldfastPluginOptions> = async (fastify, { holdfast, closeHoldfast = false }) => {
  if (typeof holdfast?.backups?.start !== 'function') {
    throw new HoldfastError('E_CONFIG', '`holdfast` is missing', { hint: 'app.register(holdfastPlugin, { holdfast: await createHoldfast({ … }) })' })
  }
  fastify.decorate('holdfast', holdfast)
  if (closeHoldfast) fastify.addHook('onClose', () => holdfast.close())
}

/** Makes a Holdfast known to the application as `fastify.holdfast`. Serves nothing by itself: register `holdfastRoutes` for that. */
export const holdfastPlugin = loadFastifyPlugin()(plugin, { name: 'holdfast', fastify: '5.x' })

declare module 'fastify' {
  interface FastifyInstance {
    readonly holdfast: Holdfast
  }
}
