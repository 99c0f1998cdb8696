import { createRequire } from 'node:module'
import type fastifyPlugin from 'fastify-plugin'
import { packageError } from '../../src/kernel/package-error.ts'

/**
 * Not by an import statement: without the package that would end in an error of Node, before anything here could say what to install. Nor by `await import`, so that `holdfast/fastify` can be required.
 *
 * @throws `E_CONFIG`
 */
export function loadFastifyPlugin(): typeof fastifyPlugin {
  try {
    const loaded = createRequire(import.meta.url)('fastify-plugin') as typeof fastifyPlugin & { readonly default?: typeof fastifyPlugin }
    return loaded.default ?? loaded
  } catch (cause) {
    throw packageError('fastify-plugin', 'holdfast/fastify', cause)
  }
}
