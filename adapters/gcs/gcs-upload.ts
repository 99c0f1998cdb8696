import { createHash } from 'node:crypto'
import { orAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { sleep } from '../../src/kernel/sleep.ts'
import { GcsFailure } from './gcs-error.ts'
import type { GcsAsk } from './gcs-request.ts'

const MEDIA_TYPE = 'application/octet-stream'
/** Times that an upload is taken up again without having come any further. */
const TAKEN_UP = 3
const PAUSE_MS = 200
/** Of requests that are not ended with their caller. */
const ASIDE_MS = 30_000
/** Of a resumable upload: it is not finished yet. */
const INCOMPLETE = 308

export interface GcsUpload {
  readonly ask: GcsAsk
  /** `/upload/storage/v1/b/<bucket>/o` */
  readonly path: string
  readonly name: string
  readonly ifAbsent: boolean
  readonly storageClass: string | undefined
}

/** The object's name and its MD5, without which the service would take what comes for what was sent. */
function resourceOf({ name, storageClass }: GcsUpload, body: Uint8Array): string {
  const md5Hash = createHash('md5').update(body).digest('base64')
  return JSON.stringify({ name, contentType: MEDIA_TYPE, md5Hash, ...(storageClass === undefined ? {} : { storageClass }) })
}

function conditionOf({ ifAbsent }: GcsUpload): Readonly<Record<string, string>> {
  return ifAbsent ? { ifGenerationMatch: '0' } : {}
}

export async function uploadAtOnce(upload: GcsUpload, body: Buffer, signal: AbortSignal): Promise<void> {
  const boundary = `holdfast-${crypto.randomUUID()}`
  const head = `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${resourceOf(upload, body)}\r\n--${boundary}\r\ncontent-type: ${MEDIA_TYPE}\r\n\r\n`
  const answer = await upload.ask({
    method: 'POST',
    path: upload.path,
    query: { uploadType: 'multipart', fields: 'name', ...conditionOf(upload) },
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(head), body, Buffer.from(`\r\n--${boundary}--`)]),
    signal,
  })
  await answer.text()
}

/**
 * A large body, in pieces. Nobody sees it before its last byte has come; then the condition is looked at once more. A piece that fails is asked after, and gone on with where
 * the service stands. An upload that is given up is cancelled; the service forgets the others after a week.
 */
export async function uploadResumable(
  upload: GcsUpload,
  body: Buffer,
  pieceBytes: number,
  signal: AbortSignal,
  later: (work: Promise<unknown>) => void,
): Promise<void> {
  const { ask } = upload
  // Not ended by the signal: of an upload that was begun without an answer nobody knows the address.
  const beginning = beginUpload(upload, body)
  const cancel = async (): Promise<void> => {
    const path = await beginning
    await ask({ method: 'DELETE', path, takes: [404, 410, 499], signal: AbortSignal.timeout(ASIDE_MS) })
  }
  const put = async (range: string, piece: Uint8Array): Promise<Response> =>
    ask({ method: 'PUT', path: await beginning, headers: { 'content-range': `bytes ${range}/${body.byteLength}` }, body: piece, takes: [INCOMPLETE], signal })

  /** What the service has, after a piece; null when it has all. */
  async function sendFrom(at: number): Promise<number | null> {
    const end = Math.min(at + pieceBytes, body.byteLength)
    try {
      return await standOf(await put(`${at}-${end - 1}`, body.subarray(at, end)))
    } catch (error) {
      if (error instanceof GcsFailure && (error.status === 404 || error.status === 410))
        throw new HoldfastError('E_STORAGE', `the service forgot the upload of ${upload.name}`, { cause: error })
      if (!isForTheMoment(error, signal)) throw error
      await sleep(PAUSE_MS, [signal])
      return standOf(await put('*', new Uint8Array(0)))
    }
  }

  try {
    await orAborted(beginning, signal)
    let stalled = 0
    for (let at: number | null = 0; at !== null;) {
      const next: number | null = await sendFrom(at)
      if (next !== null && (next > body.byteLength || next < at))
        throw new HoldfastError('E_STORAGE', `the upload of ${upload.name} stands at ${next} after ${at}`)
      stalled = next === at ? stalled + 1 : 0
      if (stalled > TAKEN_UP) throw new HoldfastError('E_STORAGE', `the upload of ${upload.name} does not come beyond ${at} of ${body.byteLength} bytes`)
      at = next
    }
  } catch (error) {
    later(cancel().catch(() => {}))
    throw error
  }
}

async function beginUpload(upload: GcsUpload, body: Buffer): Promise<string> {
  const answer = await upload.ask({
    method: 'POST',
    path: upload.path,
    query: { uploadType: 'resumable', fields: 'name', ...conditionOf(upload) },
    headers: { 'content-type': 'application/json; charset=UTF-8', 'x-upload-content-type': MEDIA_TYPE, 'x-upload-content-length': String(body.byteLength) },
    body: resourceOf(upload, body),
    signal: AbortSignal.timeout(ASIDE_MS),
  })
  await answer.text()
  const session = answer.headers.get('location')
  if (session === null) throw new HoldfastError('E_STORAGE', `an upload of ${upload.name} was begun without an address`)
  return session
}

async function standOf(answer: Response): Promise<number | null> {
  await answer.text()
  if (answer.status !== INCOMPLETE) return null
  const stands = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '')
  return stands ? Number(stands[1]) + 1 : 0
}

function isForTheMoment(error: unknown, signal: AbortSignal): boolean {
  if (signal.aborted) return false
  return error instanceof GcsFailure ? error.status === undefined || error.status === 408 || error.status === 429 || error.status >= 500 : true
}
