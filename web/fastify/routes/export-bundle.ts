import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { recipient } from '../../../src/crypto/encryption.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { RecordsFormat } from '../../../src/service/index.ts'
import { endpoint, type Route, whileWanted } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams } from '../schemas.ts'
import { BUNDLE_RESPONSES, ExportBundleQuery } from '../schemas-bundle.ts'

const FILES: Readonly<Record<'holdfast' | RecordsFormat, { readonly type: string; readonly extension: string }>> = {
  holdfast: { type: 'application/octet-stream', extension: 'hfb' },
  ndjson: { type: 'application/x-ndjson', extension: 'ndjson' },
  csv: { type: 'text/csv; charset=utf-8', extension: 'csv' },
  sql: { type: 'application/sql', extension: 'sql' },
}

/** A snapshot that came in a bundle calls its plan what it likes: that may end the header, or the name within it. */
const fileName = (planId: string, id: string): string => `${/^[a-z0-9-]+$/.test(planId) ? planId : 'snapshot'}-${id}`

const listOf = (given: string | readonly string[] | undefined): readonly string[] | undefined => (typeof given === 'string' ? [given] : given)

/**
 * Streams as fast as the client reads, and no faster. What cannot be exported is told as an error as long as nothing was sent; after that the connection breaks off. It gives records, so it takes the right to control
 * although it changes nothing.
 */
export const exportBundle: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ExportBundleQuery, response: { ...BUNDLE_RESPONSES, ...ERROR_RESPONSES } }
  // A HEAD would be an export that nobody reads.
  app.get('/snapshots/:id/bundle', { ...endpoint(context, 'exportBundle', schema), exposeHeadRoute: false }, async (request, reply) => {
    const { id } = request.params
    const { scope, format = 'holdfast', plain, revealSensitive, mask } = request.query
    const [recipients, entities] = [listOf(request.query.recipient), listOf(request.query.entity)]
    refuse(format === 'holdfast' ? { entity: entities, revealSensitive, mask } : { recipient: recipients }, format)
    const signal = whileWanted(context, reply)
    const snapshot = await holdfast.discovery.snapshot(id, { scope, signal })
    const file = new PassThrough()
    const common = { to: file, scope, signal, ...(plain ? { plain } : {}) }
    const exporting: Promise<unknown> =
      format === 'holdfast'
        ? holdfast.bundles.export(id, { ...common, ...(recipients ? { recipients: recipients.map((publicKey) => recipient({ publicKey })) } : {}) })
        : holdfast.bundles.exportRecords(id, {
            ...common,
            format,
            ...(entities ? { entities } : {}),
            ...(revealSensitive ? { revealSensitive } : {}),
            ...(mask ? { mask } : {}),
          })
    await Promise.race([once(file, 'readable'), exporting])
    exporting.catch((error: unknown) => {
      if (!signal.aborted) request.log.error({ err: error, snapshotId: id }, 'an export broke off')
    })
    const { type, extension } = FILES[format]
    return (reply as FastifyReply)
      .header('content-type', type)
      .header('content-disposition', `attachment; filename="${fileName(snapshot.plan.id, id)}.${extension}"`)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .send(file)
  })
}

function refuse(strangers: Readonly<Record<string, unknown>>, format: string): void {
  for (const [name, value] of Object.entries(strangers)) {
    if (value === undefined || value === false) continue
    throw new HoldfastError('E_REQUEST', `\`${name}\` says nothing of the format ${format}`, { hint: 'Leave it out, or choose another `format`.' })
  }
}
