import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { crc32 } from 'node:zlib'
import { send, type StandInAnswer } from './stand-in-answer.ts'

const PAGE = 1000

/** What the stand-in does otherwise than S3 does. May be changed between requests. */
export interface S3Faults {
  /** `If-None-Match` is ignored by `PutObject`. */
  overwrites?: boolean
  /** `If-None-Match` is ignored, or refused as unknown, by `CompleteMultipartUpload`. */
  completes?: 'overwriting' | 'not-implemented'
  /** The SHA-256 that a request is signed with is not looked at; or `Content-MD5` is wanted beside it, as where objects are locked. */
  signedSums?: 'unread' | 'not-enough'
  /** Called with each request; what it returns is the answer. */
  before?(request: S3Request): StandInAnswer | undefined | Promise<StandInAnswer | undefined>
  /** Changes an answer. */
  after?(request: S3Request, answer: StandInAnswer): StandInAnswer
  /** Changes a body as it arrives, before its sum is checked. */
  arriving?(request: S3Request, body: Buffer): Buffer
}

export interface S3Request {
  /** `PutObject`, `UploadPart` … */
  readonly action: string
  readonly key: string
  readonly headers: IncomingMessage['headers']
  readonly query: URLSearchParams
}

/** A stand-in for S3, for the faults that no real server has: objects in memory, one bucket, signatures unread. */
export async function startS3StandIn() {
  const objects = new Map<string, { readonly body: Buffer; readonly sums: Readonly<Record<string, string>> }>()
  const uploads = new Map<string, Map<number, Buffer>>()
  /** Objects that a rule of the bucket has moved; `restored`: and somebody has brought back for a while. */
  const archived = new Map<string, 'GLACIER' | 'restored'>()
  const classOf = (key: string): Readonly<Record<string, string>> => {
    const state = archived.get(key)
    if (state === undefined) return {}
    return {
      'x-amz-storage-class': 'GLACIER',
      ...(state === 'restored' ? { 'x-amz-restore': 'ongoing-request="false", expiry-date="…"'.replace('…', now()) } : {}),
    }
  }
  const requests: string[] = []
  const faults: S3Faults = {}
  const server = createServer((incoming, response) => void serve(incoming, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { readonly port: number }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url!, 'http://stand-in')
    const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'))
    const request = { action: actionOf(incoming.method!, key, url.searchParams), key, headers: incoming.headers, query: url.searchParams }
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece as Buffer)
    requests.push(`${request.action} ${key}`.trim())
    const body = faults.arriving?.(request, Buffer.concat(pieces)) ?? Buffer.concat(pieces)
    const answer = (await faults.before?.(request)) ?? wrongSum(request, body, faults) ?? ACTIONS[request.action]!(request, body)
    send(response, faults.after?.(request, answer) ?? answer, incoming.method === 'HEAD')
  }

  const taken = (request: S3Request): boolean => request.headers['if-none-match'] === '*' && objects.has(request.key)
  const ACTIONS: Readonly<Record<string, (request: S3Request, body: Buffer) => StandInAnswer>> = {
    PutObject(request, body) {
      if (taken(request) && !faults.overwrites) return failure(412, 'PreconditionFailed')
      const sums = Object.entries(request.headers).filter(([name]) => name.startsWith('x-amz-checksum-'))
      objects.set(request.key, { body, sums: Object.fromEntries(sums) as Record<string, string> })
      return { status: 200, headers: { etag: etag(body) } }
    },
    GetObject({ key, headers }) {
      const object = objects.get(key)
      if (!object) return failure(404, 'NoSuchKey')
      if (archived.get(key) === 'GLACIER') return failure(403, 'InvalidObjectState')
      const { body } = object
      const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
      const sums = headers['x-amz-checksum-mode'] === 'ENABLED' ? object.sums : {}
      if (!range) return { status: 200, headers: { ...about(body), ...sums }, body }
      const [start, end] = [Number(range[1]), Math.min(Number(range[2]) + 1, body.byteLength)]
      if (start >= body.byteLength) return failure(416, 'InvalidRange')
      return { status: 206, headers: { ...about(body), 'content-range': `bytes ${start}-${end - 1}/${body.byteLength}` }, body: body.subarray(start, end) }
    },
    HeadObject({ key }) {
      const object = objects.get(key)
      return object ? { status: 200, headers: { ...about(object.body), ...classOf(key) }, body: object.body } : { status: 404 }
    },
    HeadBucket: () => ({ status: 200 }),
    ListObjectsV2({ query }) {
      const prefix = query.get('prefix') ?? ''
      const after = query.get('continuation-token') ?? ''
      const names = [...objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort()
      const page = names.slice(0, PAGE)
      const more = names.length > PAGE ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
      const rows = page.map(
        (name) =>
          `<Contents><Key>${name}</Key><Size>${objects.get(name)!.body.byteLength}</Size><LastModified>${now()}</LastModified>${archived.has(name) ? '<StorageClass>GLACIER</StorageClass>' : ''}</Contents>`,
      )
      return xml(`<ListBucketResult>${more}${rows.join('')}</ListBucketResult>`)
    },
    DeleteObject({ key }) {
      objects.delete(key)
      return { status: 204 }
    },
    DeleteObjects(_, body) {
      for (const [, key] of String(body).matchAll(/<Key>([^<]*)<\/Key>/g)) objects.delete(key!)
      return xml('<DeleteResult></DeleteResult>')
    },
    CreateMultipartUpload() {
      const id = crypto.randomUUID()
      uploads.set(id, new Map())
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
    },
    UploadPart({ query }, body) {
      const upload = uploads.get(query.get('uploadId')!)
      if (!upload) return failure(404, 'NoSuchUpload')
      upload.set(Number(query.get('partNumber')), body)
      return { status: 200, headers: { etag: etag(body) } }
    },
    CompleteMultipartUpload(request) {
      const id = request.query.get('uploadId')!
      const upload = uploads.get(id)
      if (!upload) return failure(404, 'NoSuchUpload')
      if (faults.completes === 'not-implemented' && request.headers['if-none-match']) return failure(501, 'NotImplemented')
      if (taken(request) && faults.completes !== 'overwriting') return failure(412, 'PreconditionFailed')
      const parts = [...upload].toSorted(([a], [b]) => a - b).map(([, part]) => part)
      objects.set(request.key, { body: Buffer.concat(parts), sums: {} })
      uploads.delete(id)
      return xml('<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>')
    },
    AbortMultipartUpload: ({ query }) => (uploads.delete(query.get('uploadId')!) ? { status: 204 } : failure(404, 'NoSuchUpload')),
  }

  return {
    endpoint: `http://127.0.0.1:${port}`,
    objects,
    uploads,
    archived,
    requests,
    faults,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function failure(status: number, code: string, headers: Readonly<Record<string, string>> = {}): StandInAnswer {
  return { ...xml(`<Error><Code>${code}</Code><Message>by the stand-in</Message></Error>`), status, headers }
}

export function xml(body: string): StandInAnswer {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` }
}

function actionOf(method: string, key: string, query: URLSearchParams): string {
  const upload = query.has('uploadId')
  if (key === '') return method === 'HEAD' ? 'HeadBucket' : method === 'POST' ? 'DeleteObjects' : 'ListObjectsV2'
  if (method === 'POST') return upload ? 'CompleteMultipartUpload' : 'CreateMultipartUpload'
  if (method === 'DELETE') return upload ? 'AbortMultipartUpload' : 'DeleteObject'
  if (method === 'PUT') return upload ? 'UploadPart' : 'PutObject'
  return method === 'HEAD' ? 'HeadObject' : 'GetObject'
}

function wrongSum({ action, headers }: S3Request, body: Buffer, { signedSums }: S3Faults): StandInAnswer | undefined {
  if (action !== 'PutObject' && action !== 'UploadPart') return undefined
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32(body))
  const expected: Readonly<Record<string, Buffer>> = {
    'content-md5': createHash('md5').update(body).digest(),
    'x-amz-checksum-sha256': createHash('sha256').update(body).digest(),
    'x-amz-checksum-crc32': crc,
  }
  const given = Object.keys(expected).filter((name) => headers[name] !== undefined)
  if (given.length === 0 && signedSums === 'not-enough') return failure(400, 'InvalidRequest')
  if (given.some((name) => headers[name] !== expected[name]!.toString('base64'))) return failure(400, 'BadDigest')
  if (signedSums === 'unread') return undefined
  const signed = expected['x-amz-checksum-sha256']!.toString('hex')
  return headers['x-amz-content-sha256'] === signed ? undefined : failure(400, 'XAmzContentSHA256Mismatch')
}

function about(body: Buffer): Readonly<Record<string, string>> {
  return { etag: etag(body), 'last-modified': new Date().toUTCString(), 'accept-ranges': 'bytes' }
}

function etag(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}

function now(): string {
  return new Date().toISOString()
}
