import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { send, type StandInAnswer } from './stand-in-answer.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const ID_BYTES = 36

interface KmsRequest {
  readonly KeyId: string
  readonly Plaintext?: string
  readonly CiphertextBlob?: string
  readonly EncryptionContext: Readonly<Record<string, string>>
}

/** A stand-in for AWS KMS: `Encrypt` and `Decrypt` of symmetric keys, with encryption contexts; signatures unread. `answers` are given, one each, before its own. */
export async function startKmsStandIn() {
  const keys = new Map<string, { readonly secret: Buffer; enabled: boolean }>()
  const requests: { readonly target: string; readonly input: KmsRequest }[] = []
  const answers: (StandInAnswer | 'never')[] = []
  const server = createServer((incoming, response) => void serve(incoming, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { readonly port: number }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece as Buffer)
    const target = String(incoming.headers['x-amz-target']).replace('TrentService.', '')
    const input = JSON.parse(String(Buffer.concat(pieces))) as KmsRequest
    requests.push({ target, input })
    const given = answers.shift()
    if (given !== 'never') send(response, given ?? answer(target, input), false)
  }

  function answer(target: string, { KeyId, Plaintext, CiphertextBlob, EncryptionContext }: KmsRequest): StandInAnswer {
    const key = keys.get(KeyId)
    if (!key) return kmsFailure('NotFoundException')
    if (!key.enabled) return kmsFailure('DisabledException')
    const context = Buffer.from(JSON.stringify(Object.entries(EncryptionContext).toSorted(([a], [b]) => (a < b ? -1 : 1))))
    const id = KeyId.slice(-ID_BYTES)
    if (target === 'Encrypt') {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key.secret, nonce, { authTagLength: TAG_BYTES }).setAAD(context)
      const sealed = Buffer.concat([Buffer.from(id), nonce, cipher.update(Buffer.from(Plaintext!, 'base64')), cipher.final(), cipher.getAuthTag()])
      return json({ CiphertextBlob: sealed.toString('base64'), KeyId })
    }
    const blob = Buffer.from(CiphertextBlob!, 'base64')
    if (blob.toString('utf8', 0, ID_BYTES) !== id) return kmsFailure('IncorrectKeyException')
    const nonce = blob.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', key.secret, nonce, { authTagLength: TAG_BYTES }).setAAD(context).setAuthTag(blob.subarray(-TAG_BYTES))
    try {
      const plain = Buffer.concat([decipher.update(blob.subarray(ID_BYTES + NONCE_BYTES, -TAG_BYTES)), decipher.final()])
      return json({ Plaintext: plain.toString('base64'), KeyId })
    } catch {
      return kmsFailure('InvalidCiphertextException')
    }
  }

  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    answers,
    keys,
    /** A new key; its ARN. */
    makeKey() {
      const arn = `arn:aws:kms:eu-central-1:111122223333:key/${crypto.randomUUID()}`
      keys.set(arn, { secret: randomBytes(32), enabled: true })
      return arn
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function kmsFailure(type: string, status = 400): StandInAnswer {
  return { ...json({ __type: type, message: 'by the stand-in' }), status }
}

function json(value: unknown): StandInAnswer {
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(value) }
}
