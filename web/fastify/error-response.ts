import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import { type ErrorCode, ERRORS, type HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'
import { ERROR_STATUS } from './error-status.ts'
import { UUID_PATTERN } from './uuid-pattern.ts'

/** How every error looks on the wire. `code` is stable; the other texts are for people. */
export interface ErrorEnvelope {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly details: Readonly<Record<string, unknown>>
  readonly retryable: boolean
}

/** Members of `details` that name records. Whoever may see records finds them in the diagnostics. */
const RECORD_FACTS: ReadonlySet<string> = new Set(['problems', 'keys', 'samples'])
const MAX_DEPTH = 4
/** Of the 5xx, those that a healthy server gives too: nobody waits any more, or too many do. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set(['E_ABORTED', 'E_BUSY'])

/** The error as a caller may see it: without cause, stack and record keys. An error that is none of the table's says nothing of itself. */
export function errorEnvelope(error: unknown): ErrorEnvelope {
  if (!isHoldfastError(error)) return briefEnvelope('E_INTERNAL')
  const { code, message, hint, retryable } = error
  return { code, message: message.replace(`${code}: `, ''), hint, details: plainFacts(error.details), retryable }
}

/** The error for somebody who may know that it happened, but not of which records: what the table says of its code. */
export function briefEnvelope(code: ErrorCode): ErrorEnvelope {
  const { summary, hint, retryable } = ERRORS[code]
  return { code, message: summary, hint, details: {}, retryable }
}

export function codeOf(error: unknown): ErrorCode {
  return isHoldfastError(error) ? error.code : 'E_INTERNAL'
}

/** Answers a request that failed, as a Fastify error handler. What the operator has to act on is logged. `known`: the status, where this route gives the error another one. */
export function sendError(error: FastifyError | HoldfastError, request: FastifyRequest, reply: FastifyReply, known?: number): FastifyReply {
  if (!isHoldfastError(error) && isRefusedRequest(error)) return reply.code(error.statusCode ?? 400).send(requestEnvelope(error))
  const envelope = errorEnvelope(error)
  const status = known ?? ERROR_STATUS[envelope.code]
  if (status >= 500 && !EXPECTED.has(envelope.code)) request.log.error({ err: error, code: envelope.code }, 'a request to holdfast failed')
  return reply.code(status).send(envelope)
}

/** Fastify's own 4xx: a body that is no JSON, too large or of another type, or one that the schema refuses. */
function isRefusedRequest(error: FastifyError): boolean {
  return error.validation !== undefined || (typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500)
}

/** Names places and rules only. Texts of Fastify and its parser are not passed on: they may quote the request, and with it a token. */
function requestEnvelope({ validation, validationContext, statusCode = 400 }: FastifyError): ErrorEnvelope {
  const envelope = briefEnvelope('E_REQUEST')
  if (!validation)
    return { ...envelope, message: statusCode === 400 ? 'The body is not valid JSON.' : `${STATUS_CODES[statusCode] ?? 'The request was refused'}.` }
  const part = validationContext ?? 'body'
  const problems = validation.map((problem) => ({ path: problem.instancePath, problem: problemText(problem) }))
  const said = problems.map(({ path, problem }) => (path === '' ? `it ${problem}` : `${path.slice(1).replaceAll('/', '.')} ${problem}`))
  return {
    ...envelope,
    message: `${PARTS[part] ?? part} is not as this route takes it: ${said.join('; ')}.`,
    details: { part, problems },
  }
}

/** In the words of HTTP, not of Fastify. */
const PARTS: Readonly<Record<string, string>> = { body: 'The body', params: 'The path', querystring: 'The query', headers: 'The set of headers' }

function problemText({ keyword, params, message }: FastifySchemaValidationError): string {
  if (keyword === 'pattern' && params.pattern === UUID_PATTERN) return 'must be a UUID in lower case'
  const strangers = keyword === 'additionalProperties' ? params.additionalProperties : undefined
  return Array.isArray(strangers) ? `has unknown members: ${strangers.map((name) => JSON.stringify(name)).join(', ')}` : (message ?? 'is not allowed')
}

/** Only what is plain JSON, and nothing that names records. */
function plainFacts(facts: Readonly<Record<string, unknown>>, depth = 1): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => {
      const plain = RECORD_FACTS.has(name) ? undefined : plainFact(value, depth)
      return plain === undefined ? [] : [[name, plain]]
    }),
  )
}

function plainFact(value: unknown, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (depth >= MAX_DEPTH || typeof value !== 'object') return undefined
  if (Array.isArray(value)) return value.map((item) => plainFact(item, depth + 1)).filter((item) => item !== undefined)
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? plainFacts(value as Record<string, unknown>, depth + 1) : undefined
}
