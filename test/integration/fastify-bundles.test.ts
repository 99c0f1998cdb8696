import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { FastifyServerOptions } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { generateRecipient, recipient } from '../../src/crypto/encryption.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import type { HoldfastRoutesOptions } from '../../web/fastify/index.ts'
import { bundleOf } from '../support/bundle-rig.ts'
import { fastifyRig, type FastifyRig, type Json, until } from '../support/fastify-rig.ts'
import { orderRow, shopStore } from '../support/shop-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const PATIENCE = { timeout: 120_000 }
/** A busy machine is no failure. */
const PATIENCE_MS = 60_000
const ORDERS = 200

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function rigOf({ orders = ORDERS, width = 0, storage = memoryStorage(), routes = {}, server = {} }: RigOptions = {}): Promise<FastifyRig> {
  const store = shopStore(orders)
  if (width > 0) store.put('Order', ...Array.from({ length: orders }, (_, id) => orderRow(id, randomBytes(width).toString('base64'))))
  const rig = await fastifyRig({ store, storage, routes, server })
  closing.push(rig.close)
  return rig
}

interface RigOptions {
  readonly orders?: number
  /** Random bytes of a note: they cannot be compressed. */
  readonly width?: number
  readonly storage?: StorageAdapter
  readonly routes?: HoldfastRoutesOptions
  readonly server?: FastifyServerOptions
}

const backUp = async (rig: FastifyRig) => (await rig.holdfast.backups.run('shop')).snapshotId
const download = (rig: FastifyRig, path: string, as = 'operator', signal?: AbortSignal) =>
  fetch(rig.base + path, { headers: { authorization: `Bearer ${as}` }, ...(signal ? { signal } : {}) })
async function upload(
  rig: FastifyRig,
  body: Uint8Array | Readable,
  { path = '/bundles', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
) {
  const response = await fetch(rig.base + path, {
    method: 'POST',
    headers: { authorization: 'Bearer operator', 'content-type': 'application/octet-stream', ...headers },
    body: body instanceof Readable ? (Readable.toWeb(body) as ReadableStream) : Buffer.from(body),
    duplex: 'half',
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Json }
}
async function keys(storage: StorageAdapter, part: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { key } of storage.list('')) if (key.includes(part)) found.push(key)
  return found
}

describe('bundles over HTTP', () => {
  const folder = temporaryFolder()
  const before = process.env.TMPDIR
  const spooled = () => readdirSync(folder.path)
  beforeAll(() => void (process.env.TMPDIR = folder.path))
  afterAll(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    folder.remove()
  })

  it('go down from one server and up to another, where the snapshot is whole', PATIENCE, async () => {
    const [here, there] = [await rigOf(), await rigOf()]
    const id = await backUp(here)
    const response = await download(here, `/snapshots/${id}/bundle`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="shop-${id}.hfb"`)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect((await there.holdfast.bundles.inspect(Readable.from([bytes]), { verify: true })).snapshot).toMatchObject({ id, records: 2 * ORDERS })

    const up = await upload(there, bytes)
    expect(up.body).toEqual({ snapshotId: id, planId: 'shop', bucket: 'default', outcome: 'imported', entities: 3, records: 2 * ORDERS })
    expect(up).toMatchObject({ status: 201 })
    expect(up.headers.get('location')).toBe(`/api/holdfast/snapshots/${id}`)
    expect((await there.request('POST', `/snapshots/${id}/verify`)).body).toMatchObject({ damages: [] })
    expect(await upload(there, Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]))).toMatchObject({ status: 200, body: { outcome: 'present' } })
    expect(spooled()).toEqual([])
  })

  it('are sealed for recipients, and records go as text', PATIENCE, async () => {
    const rig = await rigOf()
    const id = await backUp(rig)
    const { publicKey, privateKey } = generateRecipient()
    const sealed = Buffer.from(await (await download(rig, `/snapshots/${id}/bundle?recipient=${encodeURIComponent(publicKey)}`)).arrayBuffer())
    expect((await rig.holdfast.bundles.inspect(Readable.from([sealed]))).snapshot).toBeNull()
    expect((await rig.holdfast.bundles.inspect(Readable.from([sealed]), { identities: [recipient({ privateKey })] })).snapshot).toMatchObject({ id })
    expect(await upload(await rigOf(), sealed)).toMatchObject({ status: 422, body: { code: 'E_KEY_MISSING' } })

    const csv = await download(rig, `/snapshots/${id}/bundle?format=csv&entity=OrderLine`)
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect((await csv.text()).split('\n')[0]).toContain('region')
    const ndjson = Buffer.from(await (await download(rig, `/snapshots/${id}/bundle?format=ndjson&revealSensitive=true`)).arrayBuffer())
    expect(await upload(await rigOf(), ndjson, { path: '/bundles?format=ndjson' })).toMatchObject({
      status: 201,
      body: { snapshotId: id, records: 2 * ORDERS },
    })
  })

  it('take the right to control, and what cannot be exported is an error like any other', PATIENCE, async () => {
    const rig = await rigOf()
    const id = await backUp(rig)
    for (const [path, status, code] of [
      [`/snapshots/${uuidv7()}/bundle`, 404, 'E_SNAPSHOT_UNKNOWN'],
      [`/snapshots/${id}/bundle?scope=acme`, 403, 'E_FORBIDDEN'],
      [`/snapshots/${id}/bundle?format=csv`, 400, 'E_CONFIG'],
      [`/snapshots/${id}/bundle?format=csv&entity=Nobody`, 404, 'E_ENTITY_UNKNOWN'],
      [`/snapshots/${id}/bundle?entity=Order`, 400, 'E_REQUEST'],
      [`/snapshots/${id}/bundle?mask=true`, 400, 'E_REQUEST'],
      [`/snapshots/${id}/bundle?format=ndjson&mask=true`, 400, 'E_CONFIG'],
      [`/snapshots/${id}/bundle?format=tar`, 400, 'E_REQUEST'],
      [`/snapshots/${id}/bundle?recipient=me`, 400, 'E_REQUEST'],
      [`/snapshots/${id}/bundle?format=ndjson&recipient=holdfast-x25519:x`, 400, 'E_REQUEST'],
    ] as const) {
      const response = await download(rig, path)
      expect([response.status, ((await response.json()) as Json).code], path).toEqual([status, code])
    }
    expect((await download(rig, `/snapshots/${id}/bundle`, 'reader')).status).toBe(403)
    expect(await upload(rig, Buffer.from('x'), { headers: { authorization: 'Bearer reader' } })).toMatchObject({ status: 403 })
    const reading = await rigOf({ routes: { control: false } })
    expect(await upload(reading, Buffer.from('x'))).toMatchObject({ status: 404 })
    expect((await download(reading, `/snapshots/${await backUp(reading)}/bundle`)).status).toBe(200)
  })

  it('have names that hold nothing but what names of files may, whatever an imported snapshot says', PATIENCE, async () => {
    const storage = memoryStorage()
    const [here, there] = [await rigOf({ storage }), await rigOf()]
    const id = await backUp(here)
    const scope = (await openRepository({ storage })).scopeOf(null)
    const manifest = await scope.readManifest(id)
    const forged = await bundleOf({ ...manifest, plan: { ...manifest.plan, id: 'a"; filename="b.sh\r\nx: \u{1f4a5}' } }, scope)
    expect(await upload(there, forged)).toMatchObject({ status: 201 })
    const response = await download(there, `/snapshots/${id}/bundle?format=csv&entity=Order`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="snapshot-${id}.csv"`)
    expect(await response.text()).toContain(',')
  })

  it('break off when the export fails, or the client leaves, and let go of the snapshot', PATIENCE, async () => {
    const base = memoryStorage()
    let chunks = Number.POSITIVE_INFINITY
    const storage: StorageAdapter = {
      ...base,
      get(key, options) {
        if (key.endsWith('.hfc') && --chunks < 0) return Promise.reject(new HoldfastError('E_STORAGE', 'the storage went away'))
        return base.get(key, options)
      },
    }
    // Far more than connections hold by themselves.
    const rig = await rigOf({ orders: 6000, width: 6000, storage })
    const id = await backUp(rig)
    chunks = 3
    const broken = await download(rig, `/snapshots/${id}/bundle`)
    expect(broken.status).toBe(200)
    await expect(broken.arrayBuffer()).rejects.toThrow()
    await until('the snapshot is let go', async () => (await keys(base, '/pins/')).length === 0, PATIENCE_MS)

    chunks = Number.POSITIVE_INFINITY
    const leaving = new AbortController()
    const left = await download(rig, `/snapshots/${id}/bundle`, 'operator', leaving.signal)
    await left.body!.getReader().read()
    expect(await keys(base, '/pins/')).toHaveLength(1)
    leaving.abort()
    await until('the snapshot is let go', async () => (await keys(base, '/pins/')).length === 0, PATIENCE_MS)
    const whole = Buffer.from(await (await download(rig, `/snapshots/${id}/bundle`)).arrayBuffer())
    expect((await rig.holdfast.bundles.inspect(Readable.from([whole]), { verify: true })).verified).toBe(true)
  })

  it('are refused when they are too large, of another type, or not whole', PATIENCE, async () => {
    const [here, there] = [await rigOf(), await rigOf({ routes: { bundles: { maxBytes: 100_000 } } })]
    const id = await backUp(here)
    const bytes = Buffer.from(await (await download(here, `/snapshots/${id}/bundle`)).arrayBuffer())
    expect(bytes.byteLength).toBeLessThan(100_000)
    // Half a byte of a chunk, and the end, by which a bundle is read.
    const damaged = Buffer.from(bytes)
    damaged[5000]! ^= 1
    for (const [body, status, code] of [
      [damaged, 422, 'E_ARCHIVE_CORRUPT'],
      [bytes.subarray(0, -10), 422, 'E_ARCHIVE_CORRUPT'],
      [Buffer.from('{}'), 422, 'E_ARCHIVE_CORRUPT'],
      [randomBytes(100_001), 413, 'E_REQUEST'],
    ] as const) {
      expect(await upload(there, body)).toMatchObject({ status, body: { code } })
    }
    // Without a length, as a stream is sent: the server stops to read, and the client may see no more than that.
    let sent = 0
    const endless = new Readable({
      read() {
        sent += 50_000
        this.push(randomBytes(50_000))
      },
    })
    const answered = await upload(there, endless).catch(() => null)
    endless.destroy()
    if (answered) expect(answered).toMatchObject({ status: 413, body: { code: 'E_REQUEST' } })
    expect(sent).toBeLessThan(100 * 1024 * 1024)
    expect((await there.request('POST', '/bundles', { body: {} })).status).toBe(415)
    expect(await upload(there, bytes, { path: '/bundles?format=ndjson&plain=true' })).toMatchObject({ status: 400, body: { code: 'E_REQUEST' } })
    expect(await upload(there, bytes, { path: '/bundles?bucket=nowhere' })).toMatchObject({ body: { code: 'E_STORAGE_UNKNOWN' } })
    await until('nothing is left of them', () => spooled().length === 0, PATIENCE_MS)
    expect(await there.holdfast.discovery.snapshots()).toEqual([])
    expect(await upload(there, bytes)).toMatchObject({ status: 201 })
  })

  it('leave nothing when the client leaves in the middle of an upload', PATIENCE, async () => {
    const [here, there] = [await rigOf({ width: 3000 }), await rigOf()]
    const id = await backUp(here)
    const bytes = await buffer((await download(here, `/snapshots/${id}/bundle`)).body!)
    const headers = { authorization: 'Bearer operator', 'content-type': 'application/octet-stream', 'content-length': `${bytes.byteLength}` }
    const request = httpRequest(`${there.base}/bundles`, { method: 'POST', headers })
    request.on('error', () => {})
    request.write(bytes.subarray(0, bytes.byteLength / 2))
    await until('it is being taken in', () => spooled().length > 0, PATIENCE_MS)
    request.destroy()
    await until('nothing is left of it', () => spooled().length === 0, PATIENCE_MS)
    expect(await there.holdfast.discovery.snapshots()).toEqual([])
    expect(await upload(there, bytes)).toMatchObject({ status: 201 })
  })

  it.each(['holdfast', 'ndjson'])('of the format %s keep no server from closing when the client falls silent', PATIENCE, async (format) => {
    const storage = memoryStorage()
    const [here, there] = [await rigOf(), await rigOf({ storage, server: { forceCloseConnections: 'idle' } })]
    const path = `/snapshots/${await backUp(here)}/bundle?format=${format}${format === 'ndjson' ? '&revealSensitive=true' : ''}`
    const bytes = await buffer((await download(here, path)).body!)
    const headers = { authorization: 'Bearer operator', 'content-type': 'application/octet-stream', 'content-length': `${bytes.byteLength}` }
    const request = httpRequest(`${there.base}/bundles?format=${format}`, { method: 'POST', headers })
    const gone = new Promise((resolve) => request.on('error', () => {}).on('close', resolve))
    request.on('response', (response) => response.resume())
    request.write(bytes.subarray(0, bytes.byteLength / 2))
    const isTakenIn = async () => (format === 'holdfast' ? spooled() : await keys(storage, 'repository.json')).length > 0
    await until('it is being taken in', isTakenIn, PATIENCE_MS)
    await there.app.close()
    await gone
    await until('nothing is left of it', () => spooled().length === 0, PATIENCE_MS)
    expect(await keys(storage, '/snapshots/')).toEqual([])
  })
})
