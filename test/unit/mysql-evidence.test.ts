import { expect, it } from 'vitest'
import type { MysqlEntity } from '../../adapters/sql/mysql/catalog.ts'
import { entityEvidence, judgeEvidence } from '../../adapters/sql/mysql/evidence.ts'
import type { MysqlServer } from '../../adapters/sql/mysql/server.ts'
import type { SnapshotFacts } from '../../adapters/sql/mysql/snapshot.ts'
import type { ChangeEvidence } from '../../src/contracts/index.ts'

const POSITION = { binlogFile: 'bin.1', binlogPosition: '4', serverStarted: '100', replicationApplied: '', transactions: '7' }
const evidence = (values: Record<string, string>): ChangeEvidence => ({ method: 'digest-128', values: { ...POSITION, ...values } })

it('the position in the log speaks for the same tables only, also for those of owners', () => {
  const verdict = (before: Record<string, string>, after: Record<string, string>) => judgeEvidence(evidence(before), evidence(after))
  expect(verdict({}, {})).toEqual({ trust: 'position' })
  for (const field of ['systemId', 'table', 'created', 'owners']) expect(verdict({ [field]: 'a' }, { [field]: 'b' })).toEqual({ trust: 'digest' })
})

it('lines of other rows, of other fields, or in another form cannot be compared', () => {
  for (const field of ['encoding', 'fields', 'scope'])
    expect(judgeEvidence(evidence({ [field]: 'a' }), evidence({ [field]: 'b' }))).toEqual({ trust: 'none', reason: `evidence:${field}` })
})

it('no position is noted where a table that makes up a row has no transactions', () => {
  const table = (transactional: boolean) => ({ transactional }) as unknown as MysqlEntity
  const noted = (own: boolean, owner: boolean) => {
    const entity = { ...table(own), descriptor: { fields: [] }, scope: { owners: [table(owner)] } } as unknown as MysqlEntity
    const binlog = { file: 'bin.1', position: '4', started: '100', applied: '', transactions: '7' }
    return entityEvidence(entity, { systemId: 's' } as MysqlServer, { binlog } as SnapshotFacts).values.binlogFile
  }
  expect([noted(true, true), noted(true, false), noted(false, true)]).toEqual(['bin.1', undefined, undefined])
})
