import type { SequenceState } from '../../../src/contracts/consistent-view.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { oidArray } from './catalog-facts.ts'
import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { queryJson } from './query.ts'

interface SequenceFacts {
  readonly oid: string
  readonly name: string
  readonly readable: boolean
  readonly lastValue: string | null
}

/**
 * The state of every sequence that feeds a field: identities, serials, defaults that are `nextval` of any sequence. Not part of the snapshot: it is
 * that of the moment, which is at or past the snapshot's.
 *
 * @throws `E_PERMISSION` naming the sequences that may not be read; a restore from a backup without them would hand out keys twice.
 */
export async function readSequences(client: PostgresClient, entities: readonly PostgresEntity[]): Promise<readonly SequenceState[]> {
  const fed = entities.flatMap((entity) =>
    entity.columns.flatMap(({ path, sequence }) => (sequence === null ? [] : [{ entity: entity.descriptor.name, path, sequence }])),
  )
  if (fed.length === 0) return []
  const facts = await queryJson<readonly SequenceFacts[]>(client, 'reading the sequences', SEQUENCES, [
    oidArray([...new Set(fed.map(({ sequence }) => sequence))]),
  ])
  const denied = facts.filter(({ readable }) => !readable).map(({ name }) => name)
  if (denied.length > 0) {
    throw new HoldfastError('E_PERMISSION', `the state of ${denied.join(', ')} may not be read`, {
      hint: `GRANT SELECT ON SEQUENCE ${denied.join(', ')} TO the role that Holdfast connects as.`,
      details: { sequences: denied },
    })
  }
  const byOid = new Map(facts.map((sequence) => [sequence.oid, sequence.lastValue]))
  return fed.map(({ entity, path, sequence }) => ({ entity, field: path, lastValue: byOid.get(sequence) ?? null }))
}

const SEQUENCES = `
  SELECT coalesce(json_agg(json_build_object('oid', c.oid::text, 'name', format('%I.%I', n.nspname, c.relname), 'readable', p.readable,
    'lastValue', CASE WHEN p.readable THEN pg_sequence_last_value(c.oid)::text END)), '[]') AS json
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT,USAGE') AS readable) p
  WHERE c.oid = ANY ($1::oid[])`
