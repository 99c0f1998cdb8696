import { type ErrorCode, HoldfastError, isHoldfastError } from '../../../src/kernel/errors.ts'
import { sendError } from '../error-response.ts'
import { limitedUpload } from '../limited-upload.ts'
import { requestValidator } from '../request-validator.ts'
import { scopeQuery } from '../request-scope.ts'
import { endpoint, type Route, whileWanted } from '../route-context.ts'
import { ERROR_RESPONSES } from '../schemas.ts'
import { BUNDLE_BODY, ImportBundleQuery, ImportReportSchema } from '../schemas-bundle.ts'

/** Of a file that was sent these are the sender's to mend; anywhere else they are the server's. */
const OF_THE_FILE: Readonly<Partial<Record<ErrorCode, number>>> = {
  E_ARCHIVE_CORRUPT: 422,
  E_ARCHIVE_FORMAT: 422,
  E_ARCHIVE_MISSING: 422,
  E_RECORD: 422,
  E_KEY_MISSING: 422,
  E_KEY_WRONG: 422,
  E_STORAGE_EXISTS: 409,
}

/** Takes the file in as it comes, into the system's temporary folder: a bundle is read from its end. Nothing is visible before all of it is proved and stored. */
export const importBundle: Route = (context) => {
  const { app, holdfast, settings } = context
  const schema = { querystring: ImportBundleQuery, body: BUNDLE_BODY, response: { 200: ImportReportSchema, 201: ImportReportSchema, ...ERROR_RESPONSES } }
  // A place of its own: no other route takes such a body.
  void app.register(async (own) => {
    own.removeAllContentTypeParsers()
    own.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
    own.setErrorHandler((error, request, reply) => {
      const status = isHoldfastError(error) ? OF_THE_FILE[error.code] : undefined
      // What was not read of the body is not going to be.
      reply.header('connection', 'close')
      return sendError(error as Parameters<typeof sendError>[0], request, reply, status)
    })
    own.post(
      '/bundles',
      {
        ...endpoint(context, 'importBundle', schema),
        validatorCompiler: (route) =>
          route.httpPart === 'body' ? (value: unknown) => ({ value }) : requestValidator(route as Parameters<typeof requestValidator>[0]),
      },
      async (request, reply) => {
        const {
          scope,
          format = 'holdfast',
          bucket,
          plain,
        } = request.query as { scope?: string; format?: 'holdfast' | 'ndjson'; bucket?: string; plain?: boolean }
        if (format === 'ndjson' && plain)
          throw new HoldfastError('E_REQUEST', '`plain` says nothing of the format ndjson, which is not sealed', { hint: 'Leave it out.' })
        const upload = limitedUpload(request, settings.maxUploadBytes)
        const options = { scope, signal: whileWanted(context, reply), ...(bucket === undefined ? {} : { bucket }) }
        const importing =
          format === 'ndjson' ? holdfast.bundles.importRecords(upload, options) : holdfast.bundles.import(upload, { ...options, ...(plain ? { plain } : {}) })
        const report = await importing.catch((error: unknown) => Promise.reject(upload.failure() ?? error))
        reply.code(report.outcome === 'imported' ? 201 : 200).header('location', `${app.prefix}/snapshots/${report.snapshotId}${scopeQuery(scope)}`)
        return report
      },
    )
  })
}
