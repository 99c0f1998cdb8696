import type { ChangeEvidence } from '../../../src/contracts/change-evidence.ts'
import type { KeyRange, KnownRange, RangeState } from '../../../src/contracts/key-range.ts'
import { type AbortableOptions, throwIfAborted } from '../../../src/kernel/abort.ts'
import { isHoldfastError } from '../../../src/kernel/errors.ts'
import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { countByIndex } from './count-by-index.ts'
import { countByScan } from './count-by-scan.ts'
import { countNewer } from './count-newer.ts'
import { sqlState } from './database-error.ts'
import type { EvidenceVerdict } from './evidence.ts'
import { readPages } from './relation-pages.ts'
import type { CountedRange, RangeCount } from './row-age.ts'

/** Ranges looked up in one statement by index. Answers come as they are found. */
const LOOKED_UP = 64

/** Ranges counted in one pass over the table; each is a comparison in the statement. */
const SCANNED = 16_384

export interface CheckPorts {
  readonly entity: PostgresEntity
  judge(evidence: ChangeEvidence): EvidenceVerdict
  /** Runs a short query inside the view. */
  query<T>(work: (client: PostgresClient) => Promise<T>, options: AbortableOptions): Promise<T>
  /** SHA-256 (hex) of the record lines now in the range. */
  digest(range: KeyRange, options: AbortableOptions): Promise<string>
}

interface Asked {
  readonly index: number
  readonly known: KnownRange
  readonly verdict: EvidenceVerdict
}

/**
 * Answers for each known range whether it holds exactly the rows it held. No connection is kept while the caller works on an answer.
 *
 * Counting comes first and settles most changes. Equal counts are decided by row versions where the evidence is trusted, else by reading the
 * lines again and hashing them here, which costs reading them but no compression and no storage.
 */
export async function* checkRanges(ports: CheckPorts, known: readonly KnownRange[], options: AbortableOptions): AsyncGenerator<RangeState, void, undefined> {
  const verdicts = new Map<ChangeEvidence, EvidenceVerdict>()
  const verdictOf = (evidence: ChangeEvidence) => {
    const verdict = verdicts.get(evidence) ?? ports.judge(evidence)
    verdicts.set(evidence, verdict)
    return verdict
  }
  if (known.length === 0) return
  // By index a row costs at most the reading of one page; a scan reads every page once. So fewer rows than pages are looked up.
  const pages = await ports.query((client) => readPages(client, ports.entity), options)
  const scan = known.reduce((rows, range) => rows + range.rows, 0) >= pages
  const batch = scan ? SCANNED : LOOKED_UP
  for (let start = 0; start < known.length; start += batch) {
    throwIfAborted(options.signal)
    const asked = known.slice(start, start + batch).map((range, place): Asked => ({ index: start + place, known: range, verdict: verdictOf(range.evidence) }))
    const comparable = asked.filter(({ verdict }) => verdict.trust !== 'none')
    const counts = await countComparable(ports, comparable, scan ? countWhole : countByIndex, options)
    for (const range of asked) yield await decide(ports, range, counts.get(range.index), options)
  }
}

async function decide(ports: CheckPorts, { index, known, verdict }: Asked, count: RangeCount | undefined, options: AbortableOptions): Promise<RangeState> {
  if (verdict.trust === 'none') return { index, state: 'unknown', method: 'sha256', reason: verdict.reason }
  const method = verdict.trust === 'xmin' ? 'xmin' : 'sha256'
  if (!count) return { index, state: 'unknown', method, reason: verdict.trust === 'lines' ? verdict.reason : 'evidence:key' }
  const { rows } = count
  // Where row versions are not to be trusted, that none looks newer says nothing.
  const changedRows = verdict.trust === 'xmin' ? count.newerRows : null
  const changed = { index, state: 'changed', rows, method, ...(changedRows === null ? {} : { changedRows }) } as const
  if (rows !== known.rows) return { ...changed, reason: 'rows' }
  if (verdict.trust === 'xmin') return count.newer ? { ...changed, reason: 'xmin' } : { index, state: 'unchanged', rows, method }
  if (known.sha256 === null) return { index, state: 'unknown', rows, method, reason: 'digest' }
  const same = (await ports.digest(known.range, options)) === known.sha256
  return same ? { index, state: 'unchanged', rows, method } : { index, state: 'changed', rows, method, reason: 'digest' }
}

/**
 * Counts the ranges. When the types of the key changed since, known bounds may not even be values of the new ones: then those whose evidence
 * allows for such a change are left out, and undecided.
 */
async function countComparable(
  ports: CheckPorts,
  asked: readonly Asked[],
  counter: typeof countByIndex,
  options: AbortableOptions,
): Promise<ReadonlyMap<number, RangeCount>> {
  const count = async (some: readonly Asked[]) =>
    some.length === 0 ? new Map<number, RangeCount>() : ports.query((client) => counter(client, ports.entity, some.map(toCounted)), options)
  try {
    return await count(asked)
  } catch (error) {
    const trusted = asked.filter(({ verdict }) => verdict.trust === 'xmin')
    if (trusted.length === asked.length || !isMisfit(error)) throw error
    return await count(trusted)
  }
}

/** Counts ranges that make up much of the table. */
const countWhole: typeof countByIndex = async (client, entity, ranges) =>
  (await countNewer(client, entity, ranges)) ?? (await countByScan(client, entity, ranges))

/** Class 22: not a value of the type; 42883 and 42804: no such comparison. Or a key of another number of columns. */
const isMisfit = (error: unknown): boolean => isHoldfastError(error, 'E_RECORD') || /^(22|42883|42804)/.test(sqlState(error) ?? '')

const toCounted = ({ index, known, verdict }: Asked): CountedRange => ({
  index,
  range: known.range,
  rows: known.rows,
  horizon: verdict.trust === 'xmin' ? verdict.horizon : null,
})
