import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { CRC32C } from '@google-cloud/storage'
import { send, type StandInAnswer } from './stand-in-answer.ts'

const PAGE = 100

/** What the stand-in does otherwise than Google does. May be changed between requests. */
export interface GcsFaults {
  /** `ifGenerationMatch` is ignored. */
  overwrites?: boolean
  before?(request: GcsStandInRequest): StandInAnswer | undefined | Promise<StandInAnswer | undefined>
  after?(request: GcsStandInRequest, answer: StandInAnswer): StandInAnswer
  /** Changes a body as it arrives, before its sum is checked. */
  arriving?(request: GcsStandInRequest, body: Buffer): Buffer
}

export interface GcsStandInRequest {
  /** `insert`, `begin`, `piece`, `cancel`, `media`, `get`, `list`, `delete`; `bucket`: what it is like. */
  readonly action: string
  readonly name: string
  readonly headers: IncomingMessage['headers']
  readonly query: URLSearchParams
}

interface Resource {
  readonly name: string
  readonly md5Hash?: string
  readonly crc32c?: string
  readonly contentType?: string
  readonly storageClass?: string
}

interface Stored {
  readonly body: Buffer
  readonly created: string
  readonly resource: Resource
}

interface Session {
  readonly resource: Resource
  readonly condition: string | null
  readonly bytes: number
  body: Buffer
}

/**
 * A stand-in for Google Cloud Storage, of which there is no server to be had: its JSON API with generation preconditions, multipart and resumable uploads, MD5 and CRC32C, ranges and pages.
 * Objects in memory, one bucket (`bucket`), nobody's credentials read.
 */
export async function startGcsStandIn() {
  const objects = new Map<string, Stored>()
  const sessions = new Map<string, Session>()
  const requests: string[] = []
  const faults: GcsFaults = {}
  /** Metadata of the bucket. */
  const facts: Record<string, unknown> = {}
  const server = createServer((incoming, response) => void serve(incoming, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { readonly port: number }
  const endpoint = `http://127.0.0.1:${port}`

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url!, endpoint)
    const found = /^(\/upload)?\/storage\/v1\/b\/([^/]+)(\/o)?(?:\/([^/]+))?$/.exec(url.pathname)
    const [, upload, bucket, objectsOf, encoded = ''] = found ?? []
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece as Buffer)
    const action = objectsOf === undefined ? 'bucket' : actionOf(incoming.method!, upload !== undefined, encoded, url.searchParams)
    const request = { action, name: decodeURIComponent(encoded), headers: incoming.headers, query: url.searchParams }
    requests.push(`${action} ${request.name}`.trim())
    const arrived = Buffer.concat(pieces)
    const body = faults.arriving?.(request, arrived) ?? arrived
    const given = await faults.before?.(request)
    const answer = given ?? (bucket === 'bucket' ? ACTIONS[action]!(request, body) : failure(404, 'notFound', 'The specified bucket does not exist.'))
    send(response, faults.after?.(request, answer) ?? answer, false)
  }

  function store(resource: Resource, condition: string | null, body: Buffer): StandInAnswer {
    if (condition === '0' && objects.has(resource.name) && !faults.overwrites) return failure(412, 'conditionNotMet')
    if (resource.md5Hash !== undefined && resource.md5Hash !== md5(body)) return failure(400, 'invalid', 'Provided MD5 hash does not match calculated MD5 hash')
    if (resource.crc32c !== undefined && resource.crc32c !== crc32c(body)) return failure(400, 'invalid', 'Provided CRC32C does not match calculated CRC32C')
    const stored = { body, created: new Date().toISOString(), resource }
    objects.set(resource.name, stored)
    return json(about(resource.name, stored))
  }

  const ACTIONS: Readonly<Record<string, (request: GcsStandInRequest, body: Buffer) => StandInAnswer>> = {
    bucket: () => json(facts),
    insert({ headers, query }, body) {
      const boundary = /boundary=(\S+)/.exec(headers['content-type'] ?? '')![1]!
      const [, metadata, media] = splitParts(body, boundary)
      return store(JSON.parse(String(metadata)) as Resource, query.get('ifGenerationMatch'), media!)
    },
    begin({ headers, query }, body) {
      const resource = JSON.parse(String(body)) as Resource
      const condition = query.get('ifGenerationMatch')
      if (condition === '0' && objects.has(resource.name) && !faults.overwrites) return failure(412, 'conditionNotMet')
      const id = crypto.randomUUID()
      sessions.set(id, { resource, condition, bytes: Number(headers['x-upload-content-length']), body: Buffer.alloc(0) })
      return { status: 200, headers: { location: `${endpoint}/upload/storage/v1/b/bucket/o?uploadType=resumable&upload_id=${id}` } }
    },
    piece({ headers, query }, body) {
      const id = query.get('upload_id')!
      const session = sessions.get(id)
      if (!session) return failure(404, 'notFound')
      const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]
      if (start !== undefined) {
        if (Number(start) > session.body.byteLength) return failure(503, 'backendError')
        session.body = Buffer.concat([session.body.subarray(0, Number(start)), body])
      }
      const at = session.body.byteLength
      if (at < session.bytes) return { status: 308, headers: at === 0 ? {} : { range: `bytes=0-${at - 1}` } }
      sessions.delete(id)
      return store(session.resource, session.condition, session.body)
    },
    cancel: ({ query }) => (sessions.delete(query.get('upload_id')!) ? { status: 499 } : failure(404, 'notFound')),
    media({ name, headers }) {
      const stored = objects.get(name)
      if (!stored) return { status: 404, body: `No such object: bucket/${name}` }
      const { body } = stored
      const hash = { 'x-goog-hash': `crc32c=${crc32c(body)},md5=${md5(body)}` }
      const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
      if (!range) return { status: 200, headers: hash, body }
      const [start, end] = [Number(range[1]), Math.min(Number(range[2]) + 1, body.byteLength)]
      if (start >= body.byteLength) return failure(416, 'requestedRangeNotSatisfiable')
      return { status: 206, headers: { ...hash, 'content-range': `bytes ${start}-${end - 1}/${body.byteLength}` }, body: body.subarray(start, end) }
    },
    get({ name }) {
      const stored = objects.get(name)
      return stored ? json(about(name, stored)) : failure(404, 'notFound', `No such object: bucket/${name}`)
    },
    list({ query }) {
      const [prefix, after] = [query.get('prefix') ?? '', query.get('pageToken') ?? '']
      const names = [...objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort()
      const page = names.slice(0, Math.min(PAGE, Number(query.get('maxResults') ?? PAGE)))
      const items = page.map((name) => about(name, objects.get(name)!))
      return json({ ...(items.length === 0 ? {} : { items }), ...(names.length > page.length ? { nextPageToken: page.at(-1) } : {}) })
    },
    delete: ({ name }) => (objects.delete(name) ? { status: 204 } : failure(404, 'notFound', `No such object: bucket/${name}`)),
  }

  return {
    endpoint,
    objects,
    sessions,
    requests,
    faults,
    facts,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function failure(status: number, reason: string, message = 'by the stand-in', headers: Readonly<Record<string, string>> = {}): StandInAnswer {
  return { ...json({ error: { code: status, message, errors: [{ reason, message }] } }), status, headers }
}

function json(value: unknown): StandInAnswer {
  return { status: 200, headers: { 'content-type': 'application/json; charset=UTF-8' }, body: JSON.stringify(value) }
}

function about(name: string, { body, created, resource }: Stored): object {
  return {
    kind: 'storage#object',
    name,
    size: String(body.byteLength),
    timeCreated: created,
    md5Hash: md5(body),
    crc32c: crc32c(body),
    storageClass: resource.storageClass,
  }
}

function actionOf(method: string, upload: boolean, name: string, query: URLSearchParams): string {
  if (upload && query.has('upload_id')) return method === 'DELETE' ? 'cancel' : 'piece'
  if (upload) return query.get('uploadType') === 'resumable' ? 'begin' : 'insert'
  if (name === '') return 'list'
  if (method === 'DELETE') return 'delete'
  return query.get('alt') === 'media' ? 'media' : 'get'
}

/** The bodies of the parts of a `multipart/related` body; the first is what stands before them. */
function splitParts(body: Buffer, boundary: string): Buffer[] {
  const parts: Buffer[] = []
  const marker = Buffer.from(`--${boundary}`)
  let at = 0
  for (let found = body.indexOf(marker); found >= 0; found = body.indexOf(marker, at)) {
    const part = body.subarray(at, found)
    const head = part.indexOf('\r\n\r\n')
    parts.push(head < 0 ? part : part.subarray(head + 4, part.byteLength - 2))
    at = found + marker.byteLength
  }
  return parts
}

function md5(body: Buffer): string {
  return createHash('md5').update(body).digest('base64')
}

function crc32c(body: Buffer): string {
  const sum = new CRC32C()
  sum.update(body)
  return sum.toString()
}
