import { HoldfastError } from '../kernel/errors.ts'

const MAX_ENTRIES = 64
const MAX_NAME = 128
const MAX_VALUE = 4096

/** Metadata stands in every manifest that is listed: bounded, and text only. @throws `E_CONFIG` */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) throw new HoldfastError('E_CONFIG', '`metadata` is not an object of texts')
  const entries = Object.entries(metadata)
  const problem =
    entries.length > MAX_ENTRIES
      ? `has ${entries.length} entries; at most ${MAX_ENTRIES}`
      : entries
          .map(([name, value]) => {
            if (name.length > MAX_NAME) return `has a name of ${name.length} characters; at most ${MAX_NAME}`
            if (typeof value !== 'string') return `"${name}" is not text`
            return value.length > MAX_VALUE ? `"${name}" has ${value.length} characters; at most ${MAX_VALUE}` : undefined
          })
          .find((text) => text !== undefined)
  if (problem) throw new HoldfastError('E_CONFIG', `\`metadata\` ${problem}`)
}

/** Found out only by the manifest otherwise, after all the copying. @throws `E_CONFIG` */
export function checkTrigger(trigger: string): void {
  if (trigger !== 'manual' && trigger !== 'automatic')
    throw new HoldfastError('E_CONFIG', `\`trigger\` is ${JSON.stringify(trigger)}; expected "manual" or "automatic"`)
}

const KINDS = ['full', 'incremental', 'differential', 'auto']

/** @throws `E_CONFIG` */
export function checkKind(kind: string): void {
  if (!KINDS.includes(kind))
    throw new HoldfastError('E_CONFIG', `\`kind\` is ${JSON.stringify(kind)}; expected ${KINDS.map((known) => JSON.stringify(known)).join(', ')}`)
}

/** @throws `E_CONFIG` */
export function checkSeries(series: string): void {
  if (typeof series !== 'string' || series === '' || series.length > MAX_NAME)
    throw new HoldfastError('E_CONFIG', `\`series\` is ${JSON.stringify(series)}; expected 1 to ${MAX_NAME} characters`)
}
