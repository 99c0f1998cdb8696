import type { EntityMapping, ExcludedMapping, StoreMapping } from '../../../src/contracts/index.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { mergeDrafts, tableId } from './merge-drafts.ts'
import type { TableDraft } from './table-draft.ts'
import { toEntityMapping } from './to-entity-mapping.ts'

export interface AssembleOptions {
  /** Things that have no table of their own: views, virtual entities. */
  readonly excluded: readonly ExcludedMapping[]
  /** The caller's own exclusions: entity name → reason. */
  readonly exclude?: Readonly<Record<string, string>>
}

/**
 * Makes the mapping of a store from what the ORM says of each class: every table once, every column once, references by
 * property paths. Lists all mappings that are not served in one `E_MAPPING`; none is left out silently.
 */
export function assembleMapping(drafts: readonly TableDraft[], options: AssembleOptions): StoreMapping {
  const excluded: ExcludedMapping[] = [...options.excluded]
  const kept: TableDraft[] = []
  const exclude = new Map(Object.entries(options.exclude ?? {}))
  const tables = withDistinctNames(mergeDrafts(drafts))

  for (const draft of tables) {
    const reason = exclude.get(draft.name) ?? (draft.key.length === 0 ? 'no primary key' : undefined)
    if (reason === undefined) {
      kept.push(draft)
      continue
    }
    exclude.delete(draft.name)
    for (const { name, target } of [draft, ...draft.aliases]) excluded.push(target === undefined ? { name, reason } : { name, target, reason })
  }
  for (const { name } of options.excluded) exclude.delete(name)

  refuseUnknownExclusions([...exclude.keys()], tables)
  refuseUnserved(kept)
  const byTable = new Map(kept.map((draft) => [tableId(draft), draft.name]))
  return { entities: kept.map((draft): EntityMapping => toEntityMapping(draft, byTable)), excluded }
}

/** Junction tables have no class to name them, so the same table name in two schemas is told apart by the schema. */
function withDistinctNames(drafts: readonly TableDraft[]): TableDraft[] {
  const uses = new Map<string, number>()
  for (const draft of drafts) uses.set(draft.name, (uses.get(draft.name) ?? 0) + 1)
  return drafts.map((draft) =>
    draft.kind === 'entity' || uses.get(draft.name) === 1 || !draft.schema ? draft : { ...draft, name: `${draft.schema}.${draft.table}` },
  )
}

function refuseUnknownExclusions(names: readonly string[], tables: readonly TableDraft[]): void {
  const name = names[0]
  if (name === undefined) return
  const sharer = tables.find((draft) => draft.aliases.some((alias) => alias.name === name))
  if (sharer) {
    throw new HoldfastError('E_CONFIG', `\`exclude\` names ${name}, which shares the table ${tableId(sharer)} with ${sharer.name}.`, {
      hint: `Exclude ${sharer.name}, or neither.`,
    })
  }
  throw new HoldfastError('E_ENTITY_UNKNOWN', `\`exclude\` names ${name}; the entities here are ${tables.map((draft) => draft.name).join(', ') || 'none'}.`)
}

function refuseUnserved(drafts: readonly TableDraft[]): void {
  const problems = drafts.flatMap((draft) => draft.problems.map((problem) => ({ entity: draft.name, problem })))
  const owners = new Map<string, TableDraft>()
  for (const draft of drafts) {
    for (const { name } of [draft, ...draft.aliases]) {
      const owner = owners.get(name)
      if (owner === undefined) owners.set(name, draft)
      else if (owner !== draft) problems.push({ entity: name, problem: `the name stands for both ${tableId(owner)} and ${tableId(draft)}` })
    }
  }
  if (problems.length === 0) return
  throw new HoldfastError('E_MAPPING', `Not served: ${problems.map(({ entity, problem }) => `${entity}: ${problem}`).join('; ')}.`, {
    hint: 'Exclude the entity with a reason (`exclude: { Name: "why" }`), or change the mapping.',
    details: { problems },
  })
}
