import type { EntityMapping } from '../contracts/entity-descriptor.ts'
import type { BackupPlan } from './backup-plan.ts'
import { classMark } from './class-facts.ts'
import { entityMarks, ignoredChildren, ignoreReason } from './entity-claims.ts'
import { classesOf, ownClasses, type EntityIndex, type LocatedEntity } from './entity-index.ts'
import type { PlanEntity, PlanExclusion } from './entity-options.ts'
import { referenceFacts, type ReferenceFacts } from './entity-reference.ts'
import { isPlainObject } from './frozen-copy.ts'
import { nameList, suggest } from './name-list.ts'
import { PlanProblem } from './plan-problem.ts'
import type { PlanOmission } from './plan-resolution.ts'

/** Stands in the problem of a plan that collects decorated classes where there are none. */
export const NOTHING_DECORATED = 'decorated()'

/** A table that a plan takes, with all that the plan says of it. */
export interface SelectedEntity {
  readonly store: string
  readonly mapping: EntityMapping
  readonly because: 'named' | 'decorated'
  /** More than one when single-table children are named beside each other. Empty when decorated. */
  readonly declarations: { readonly declared: PlanEntity; readonly path: string; readonly child: string | null }[]
}

/** Finds the tables that a plan names, marks and leaves out; reports all that cannot be found or contradicts itself. */
export class EntitySelection {
  readonly #plan: BackupPlan
  readonly #index: EntityIndex
  readonly #problems: PlanProblem[]
  readonly #warnings: PlanProblem[]
  readonly #selected = new Map<string, SelectedEntity>()
  readonly #omitted = new Map<string, PlanOmission>()

  constructor(plan: BackupPlan, index: EntityIndex, problems: PlanProblem[], warnings: PlanProblem[]) {
    this.#plan = plan
    this.#index = index
    this.#problems = problems
    this.#warnings = warnings
    // What is no exclusion at all is reported where the shape of the declaration is checked.
    plan.exclude.forEach((exclusion, position) => isPlainObject(exclusion) && this.#omit(exclusion, `exclude[${position}]`))
    plan.entities.forEach((declared, position) => this.#name(declared, `entities[${position}]`))
    if (plan.decorated) this.#collectDecorated()
    // A map goes on to what is added while it is gone through.
    for (const entity of this.#selected.values()) this.#takeRestOf(entity)
    for (const { mapping } of this.selected) {
      for (const child of ignoredChildren(mapping)) {
        this.#report(
          `${child}.@BackupIgnore`,
          child,
          `${child} shares the table of ${mapping.name}, and part of a table cannot be excluded`,
          `Take @BackupIgnore away, or exclude ${mapping.name}`,
        )
      }
    }
  }

  get selected(): SelectedEntity[] {
    return [...this.#selected.values()]
  }

  get omitted(): PlanOmission[] {
    return [...this.#omitted.values()]
  }

  has = (store: string, entity: string): boolean => this.#selected.has(keyOf(store, entity))

  leaves = (store: string, entity: string): boolean => this.#omitted.has(keyOf(store, entity))

  #omit(exclusion: PlanExclusion, path: string): void {
    const facts = this.#facts(exclusion.entity, path)
    if (!facts || !this.#knowsStore(exclusion.store, `${path}.store`)) return
    const wanted = named(exclusion.store)
    const located = this.#index.locate(facts, wanted)
    if (located.length === 0) {
      const [already] = this.#index.locateExcluded(facts, wanted)
      if (already) this.#warnings.push(new PlanProblem(path, facts.name, `it is excluded anyway: ${already.excluded.reason}`, 'Take the exclusion away'))
      else this.#reportUnknown(facts, path, wanted)
    }
    for (const { store, mapping, child } of located) {
      if (child !== null)
        this.#report(
          path,
          facts.name,
          `${child} shares the table of ${mapping.name}, and part of a table cannot be excluded`,
          `Exclude ${mapping.name}, or nothing of it`,
        )
      else this.#omitted.set(keyOf(store, mapping.name), { store, entity: mapping.name, reason: exclusion.reason })
    }
  }

  #name(declared: PlanEntity, path: string): void {
    const facts = this.#facts(declared.entity, path)
    if (!facts || !this.#knowsStore(declared.store, `${path}.store`)) return
    const store = named(declared.store) ?? this.#storeByMark(facts)
    const [located, ...others] = this.#index.locate(facts, store)
    if (!located) return this.#reportMissing(facts, path, store)
    if (others.length > 0) return this.#reportAmbiguous(facts, path, [located, ...others])
    const { mapping, child } = located
    const excluded = ignoreReason(mapping)
    if (excluded !== null)
      return this.#report(path, facts.name, `it is excluded by @BackupIgnore: ${excluded}`, 'Take it from the plan, or take the decorator away')
    const omitted = this.#omitted.get(keyOf(located.store, mapping.name))
    if (omitted) return this.#report(path, facts.name, `the plan excludes it as well: ${omitted.reason}`, 'Keep one of the two')
    if (child !== null) {
      this.#warnings.push(
        new PlanProblem(path, child, `it shares the table of ${mapping.name}, so all rows of that table are backed up`, `Name ${mapping.name} to say so`),
      )
    }
    const before = this.#selected.get(keyOf(located.store, mapping.name))
    const same = before?.declarations.find((declaration) => declaration.child === child)
    if (same) return this.#report(path, facts.name, `it is named twice, here and at ${same.path}`, 'Keep one of them')
    const declaration = { declared, path, child }
    if (before) before.declarations.push(declaration)
    else this.#selected.set(keyOf(located.store, mapping.name), { store: located.store, mapping, because: 'named', declarations: [declaration] })
  }

  /** Of a record that stands in the tables of several classes no part is backed up without those above it. */
  #takeRestOf({ store, mapping, because }: SelectedEntity): void {
    if (mapping.inherits === undefined || this.has(store, mapping.inherits)) return
    const above = this.#index.byName(store, mapping.inherits)!
    const reason = this.#omitted.get(keyOf(store, above.name))?.reason ?? ignoreReason(above)
    if (reason !== null && reason !== undefined)
      this.#report(
        above.name,
        mapping.name,
        `part of each of its records stands in the table of ${above.name}, which is excluded: ${reason}`,
        'Exclude both, or neither',
      )
    else this.#selected.set(keyOf(store, above.name), { store, mapping: above, because, declarations: [] })
  }

  #collectDecorated(): void {
    let found = false
    for (const { name: store, mapping } of this.#index.stores) {
      for (const entity of mapping.entities) {
        const marks = entityMarks(entity).filter(({ mark }) => mark.plans?.includes(this.#plan.id) ?? true)
        const [first] = marks
        if (!first) continue
        found = true
        const wanted = marks.map(({ mark }) => mark.store).find((name) => name !== null) ?? null
        if (wanted !== null && !this.#knowsStore(wanted, `${first.label}.@BackupEntity.store`)) continue
        if ((wanted !== null && wanted !== store) || this.has(store, entity.name) || this.leaves(store, entity.name)) continue
        const excluded = ignoreReason(entity)
        if (excluded !== null) {
          this.#report(
            `${first.label}.@BackupEntity`,
            entity.name,
            `its table is excluded by @BackupIgnore on ${entity.name}: ${excluded}`,
            'Keep one of the two decorators',
          )
          continue
        }
        const copies = wanted === null ? this.#index.locate({ name: entity.name, targets: ownClasses(entity) }, null) : []
        if (copies.some((copy) => this.#selected.get(keyOf(copy.store, copy.mapping.name))?.because === 'named')) continue
        if (copies.length > 1) {
          if (copies[0]?.store === store) this.#reportAmbiguous({ name: entity.name, targets: [] }, `${first.label}.@BackupEntity`, copies)
          continue
        }
        this.#selected.set(keyOf(store, entity.name), { store, mapping: entity, because: 'decorated', declarations: [] })
      }
    }
    if (!found)
      this.#report(
        'entities',
        NOTHING_DECORATED,
        'no mapped class carries @BackupEntity for this plan',
        `Decorate one with @BackupEntity({ plan: '${this.#plan.id}' }), and hand its store to Holdfast`,
      )
  }

  #facts(reference: unknown, path: string): ReferenceFacts | null {
    const facts = referenceFacts(reference)
    if (!facts) this.#report(path, reference, 'not an entity', 'Give a class, an EntitySchema, a defineEntity result or a name')
    return facts
  }

  #storeByMark(facts: ReferenceFacts): string | null {
    const marks = facts.targets.flatMap(classesOf).map(classMark)
    for (const mark of marks) if (mark?.kind === 'entity' && mark.store !== null) return mark.store
    return null
  }

  #knowsStore(store: unknown, path: string): boolean {
    if (named(store) === null || this.#index.stores.some(({ name }) => name === store)) return true
    const known = this.#index.stores.map(({ name }) => name)
    if (!this.#problems.some((problem) => problem.path === path)) this.#report(path, store, 'no such store', suggest(String(store), known, 'stores'))
    return false
  }

  #reportMissing(facts: ReferenceFacts, path: string, store: string | null): void {
    if (store !== null && !this.#knowsStore(store, `${facts.name}.@BackupEntity.store`)) return
    const [excluded] = this.#index.locateExcluded(facts, store)
    if (excluded) this.#report(path, facts.name, `it cannot be backed up: ${excluded.excluded.reason}`, 'Take it from the plan')
    else this.#reportUnknown(facts, path, store)
  }

  #reportUnknown(facts: ReferenceFacts, path: string, store: string | null): void {
    const where = store === null ? 'no store maps it' : `store "${store}" does not map it`
    const elsewhere = store === null ? [] : this.#index.locate(facts, null)
    const names = this.#index.entityNames(store)
    if (elsewhere.length > 0) this.#report(path, facts.name, where, `It is mapped by: ${nameList(elsewhere.map((located) => located.store))}`)
    else if (names.includes(facts.name))
      this.#report(path, facts.name, `${where}, but another class of that name is mapped`, 'Import the class that the ORM maps, or name the entity as text')
    else this.#report(path, facts.name, where, suggest(facts.name, names, 'entities'))
  }

  #reportAmbiguous(facts: ReferenceFacts, path: string, located: readonly LocatedEntity[]): void {
    const stores = nameList(located.map(({ store }) => store))
    this.#report(path, facts.name, `several stores map it: ${stores}`, `Choose by \`store\`; to take it from several, name it once for each`)
  }

  #report(path: string, value: unknown, problem: string, remedy: string): void {
    this.#problems.push(new PlanProblem(path, value, problem, remedy))
  }
}

function keyOf(store: string, entity: string): string {
  return JSON.stringify([store, entity])
}

/** What is no name is reported where the shape of the declaration is checked. */
function named(store: unknown): string | null {
  return typeof store === 'string' && store.trim() !== '' ? store : null
}
