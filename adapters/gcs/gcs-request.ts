import { GcsFailure, failureOf } from './gcs-error.ts'
import type { GcsClient } from './gcs-sdk.ts'

/** The network, on the way to credentials; without a key file or an account no second try helps. */
const UNREACHED = ['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'ETIMEDOUT']

export interface GcsRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the endpoint, or the whole address of an upload's session. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** Statuses that are answers here, beside those of success. */
  readonly takes?: readonly number[]
  readonly signal: AbortSignal
}

export type GcsAsk = (request: GcsRequest) => Promise<Response>

/**
 * Single requests to the JSON API, with the credentials of the SDK. The SDK's own requests cannot be ended, and a body that it was given cannot be checked by its
 * sum and made create-only at once without a second request.
 *
 * @throws `GcsFailure`, or what `fetch` throws.
 */
export function gcsRequests(client: GcsClient): GcsAsk {
  const anonymous = client.customEndpoint === true && client.useAuthWithCustomEndpoint !== true

  async function credentials(url: string): Promise<Headers | Readonly<Record<string, string>>> {
    if (anonymous) return {}
    try {
      return await client.authClient.getRequestHeaders(url)
    } catch (cause) {
      const { response, code } = cause as { readonly response?: { readonly status?: number }; readonly code?: unknown }
      const status = response?.status
      const forTheMoment = status === undefined ? UNREACHED.includes(String(code)) : status === 429 || status >= 500
      throw new GcsFailure(`no credentials: ${cause instanceof Error ? cause.message : String(cause)}`, {
        ...(forTheMoment ? {} : { reason: 'credentials' }),
        cause,
      })
    }
  }

  return async ({ method = 'GET', path, query = {}, headers = {}, body, takes = [], signal }) => {
    const url = new URL(path.startsWith('http') ? path : `${client.apiEndpoint}${path}`)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const all = new Headers(await credentials(url.href))
    // Bytes as they are stored: what is compressed on its way has neither its length nor its ranges.
    all.set('accept-encoding', 'identity')
    for (const [name, value] of Object.entries(headers)) all.set(name, value)
    const answer = await fetch(url, {
      method,
      headers: all,
      signal,
      redirect: 'manual',
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> | string }),
    })
    if (answer.ok || takes.includes(answer.status)) return answer
    throw await failureOf(answer)
  }
}
