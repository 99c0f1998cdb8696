import { mkdir } from 'node:fs/promises'
import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import { createHoldfast, decorated, definePlan } from 'holdfast'
import { holdfastPlugin, holdfastRoutes } from 'holdfast/fastify'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { count } from '../demo/proof.js'
import { fillShop, openShop } from '../demo/shop.js'
import { bearerToken } from './bearer-token.js'

/**
 * A server that backs up a shop and restores it.
 *
 *   HOLDFAST_TOKEN=$(openssl rand -hex 24) node .build/samples/fastify-plugin/main.js
 *
 *   curl -H "authorization: Bearer $HOLDFAST_TOKEN" -H 'content-type: application/json' -d '{"plan":"shop"}' localhost:3000/backups
 *   curl -H "authorization: Bearer $HOLDFAST_TOKEN" -N localhost:3000/backups/<id>/events
 *   curl -H "authorization: Bearer $HOLDFAST_TOKEN" -H 'content-type: application/json' -d '{"snapshot":"<id>","policy":"overwrite","dryRun":true}' localhost:3000/restores
 *
 * The restore itself: `"confirm":"<id>"`, the snapshot's id once more, in place of `"dryRun":true`.
 *
 * The routes are described at /openapi.json. PORT says where to listen, SHOP_HOME where the shop and its backups lie.
 */
const home = process.env.SHOP_HOME ?? '.build/fastify-plugin'
const authorize = bearerToken(process.env.HOLDFAST_TOKEN)

await mkdir(home, { recursive: true })
const shop = await openShop(`${home}/shop.sqlite`)
if ((await count(shop, 'SELECT count(*) n FROM customer')) === 0) await fillShop(shop)

const plan = definePlan({ id: 'shop', description: 'Orders and all they need', entities: decorated() })
// A browser keeps connections that it never used; without this, closing would wait for them.
const app = Fastify({ logger: true, forceCloseConnections: true })
const holdfast = await createHoldfast({ stores: [typeormStore(shop)], storage: fsStorage({ root: `${home}/backups` }), plans: [plan], logger: app.log })

await app.register(swagger, { openapi: { info: { title: 'Backups of the shop', version: '1' } } })
await app.register(holdfastPlugin, { holdfast, closeHoldfast: true })
await app.register(holdfastRoutes, { authorize, control: true, health: { maxAgeMs: { shop: 26 * 60 * 60 * 1000 } } })
app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())

/** Ends the event streams, pauses what runs (its token stays good), closes the storage; then nothing keeps the process. */
async function stop(): Promise<void> {
  await app.close()
  await shop.destroy()
}

process.once('SIGTERM', stop)
process.once('SIGINT', stop)
await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
