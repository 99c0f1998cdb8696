import { didYouMean } from '../kernel/did-you-mean.ts'
import type { BackupPlan } from './backup-plan.ts'
import type { BackupPolicy } from './backup-policy.ts'
import { checkShape } from './check-shape.ts'
import { findCompanions, outsideWarnings } from './companions.ts'
import { declaredClaims, decoratedClaims, entityMarks } from './entity-claims.ts'
import { EntityIndex, type MappedStore } from './entity-index.ts'
import { frozenCopy, isPlainObject } from './frozen-copy.ts'
import { suggest } from './name-list.ts'
import { planDigest } from './plan-digest.ts'
import { PlanProblem, planInvalid } from './plan-problem.ts'
import type { PlanInclusion, PlanResolution } from './plan-resolution.ts'
import { resolveFields } from './resolve-fields.ts'
import { resolveScope } from './resolve-scope.ts'
import { resolvePolicy } from './resolve-policy.ts'
import type { ResolvedEntity, ResolvedPlan } from './resolved-plan.ts'
import { EntitySelection, type SelectedEntity } from './select-entities.ts'

/**
 * Checks a plan against what the stores map and the buckets that are configured; asks no database. Throws one `E_PLAN_INVALID` that
 * lists every problem, with path, value and remedy, in the message and as `details.problems`.
 */
export function resolvePlan(plan: BackupPlan, stores: readonly MappedStore[], buckets: readonly string[]): PlanResolution {
  const { resolution, problems } = inspectPlan(plan, stores, buckets)
  if (!resolution) throw planInvalid(`plan "${plan.id}"`, problems)
  return resolution
}

/** As `resolvePlan`, but returns the problems; the resolution is null when there are any. */
export function inspectPlan(
  plan: BackupPlan,
  stores: readonly MappedStore[],
  buckets: readonly string[],
): { readonly resolution: PlanResolution | null; readonly problems: readonly PlanProblem[] } {
  const problems = checkShape(plan)
  const warnings: PlanProblem[] = []
  const policy = resolvePolicy(isPlainObject(plan.policy) ? plan.policy : {}, problems)
  const bucket = planBucket(plan, buckets, problems)
  const index = new EntityIndex(stores)
  const selection = new EntitySelection(plan, index, problems, warnings)
  // A misspelt `entities` is reported as that: the plan does name some.
  if (plan.entities.length === 0 && !plan.decorated && !Object.keys(plan).some((name) => name !== 'entities' && didYouMean(name, ['entities']))) {
    problems.push(new PlanProblem('entities', 'none', 'the plan names no entity', 'Name at least one, or use decorated()'))
  }
  const chosen = selection.selected.map((entity) => include(entity, index, bucket, buckets, problems))
  const all = [...chosen, ...companions(chosen, index, selection, bucket)].sort(byStoreAndName)
  const { scope, inclusions, omissions } = resolveScope({ plan, inclusions: all, through: throughOf(selection, all), index, problems })
  checkCursors(inclusions, policy, problems)
  if (problems.length > 0) return { resolution: null, problems }

  const resolved = {
    id: plan.id,
    description: plan.description,
    bucket,
    entities: inclusions.map(resolvedEntity),
    policy,
    ...(scope ? { scope } : {}),
    ...(plan.hooks ? { hooks: plan.hooks } : {}),
  }
  const complete: ResolvedPlan = { ...resolved, digest: planDigest(resolved) }
  warnings.push(...outsideWarnings(index, all, selection.leaves))
  return {
    resolution: Object.freeze({
      plan: frozenCopy(complete),
      inclusions: frozenCopy(inclusions),
      omissions: frozenCopy([...selection.omitted, ...omissions]),
      warnings: Object.freeze(warnings),
    }),
    problems,
  }
}

function include(entity: SelectedEntity, index: EntityIndex, planBucket: string, buckets: readonly string[], problems: PlanProblem[]): PlanInclusion {
  const { store, mapping, because, declarations } = entity
  if (mapping.key.length === 0) {
    problems.push(
      new PlanProblem(
        declarations[0]?.path ?? mapping.name,
        mapping.name,
        'it has no key, and records are told apart by their key',
        'Map a primary key, or exclude it with a reason',
      ),
    )
  }
  const claims = [...declarations.flatMap(({ declared, path }) => declaredClaims(declared, path)), ...decoratedClaims(index, store, mapping)]
  const { ignored, sensitive, tenant, cursor } = resolveFields(mapping, claims, problems)
  return {
    store,
    entity: mapping.name,
    bucket: entityBucket(entity, buckets, problems) ?? planBucket,
    ignore: ignored.map(({ path }) => path),
    sensitive,
    tenant,
    ...(cursor === null ? {} : { cursor }),
    because,
    owners: [],
    ignored,
  }
}

/** Going by a cursor is a guess, so it must be made sure of again and again, and cannot be called consistent. */
function checkCursors(inclusions: readonly PlanInclusion[], { reconcileEvery, requireConsistency }: BackupPolicy, problems: PlanProblem[]): void {
  const guessed = inclusions.filter(({ cursor }) => cursor !== undefined).map(({ entity }) => entity)
  if (guessed.length === 0 && reconcileEvery !== null)
    problems.push(new PlanProblem('policy.reconcileEvery', reconcileEvery, 'no entity of the plan has a cursor, so every run is exact', 'Leave it out'))
  if (guessed.length === 0) return
  const names = guessed.join(', ')
  if (reconcileEvery === null)
    problems.push(
      new PlanProblem(
        'policy.reconcileEvery',
        null,
        `a cursor misses writes that do not move it (${names}), and no run makes sure`,
        'Say in every how many runs all is compared',
      ),
    )
  if (requireConsistency !== null && requireConsistency !== 'fuzzy')
    problems.push(
      new PlanProblem(
        'policy.requireConsistency',
        requireConsistency,
        `a cursor proves nothing (${names})`,
        'Leave the cursor out, or require no more than "fuzzy"',
      ),
    )
}

/** What the plan says of the entity, else what the class says of itself; null when neither does. */
function entityBucket(entity: SelectedEntity, buckets: readonly string[], problems: PlanProblem[]): string | null {
  const declared = entity.declarations.flatMap(({ declared: { bucket }, path }) => (typeof bucket === 'string' ? [{ bucket, path: `${path}.bucket` }] : []))
  const marked = entityMarks(entity.mapping).flatMap(({ mark, label }) =>
    mark.bucket === null ? [] : [{ bucket: mark.bucket, path: `${label}.@BackupEntity.bucket` }],
  )
  const said = declared.length > 0 ? declared : marked
  for (const { bucket, path } of said) {
    if (bucket.trim() !== '' && !buckets.includes(bucket)) problems.push(new PlanProblem(path, bucket, 'no such bucket', suggest(bucket, buckets, 'buckets')))
  }
  const other = said.find(({ bucket }) => bucket !== said[0]?.bucket)
  if (other) problems.push(new PlanProblem(other.path, other.bucket, `the table of ${entity.mapping.name} cannot go to two buckets`, 'Name one bucket for it'))
  return said[0]?.bucket ?? null
}

function planBucket(plan: BackupPlan, buckets: readonly string[], problems: PlanProblem[]): string {
  const usual = buckets.length === 1 ? buckets[0]! : 'default'
  const bucket = plan.bucket ?? usual
  if (buckets.includes(bucket)) return bucket
  if (buckets.length === 0) problems.push(new PlanProblem('bucket', plan.bucket, 'no bucket is configured', 'Hand Holdfast a storage'))
  else if (plan.bucket === null)
    problems.push(new PlanProblem('bucket', null, 'several buckets are configured and none is called "default"', `Name one of them: ${buckets.join(', ')}`))
  else if (typeof bucket === 'string' && bucket.trim() !== '')
    problems.push(new PlanProblem('bucket', bucket, 'no such bucket', suggest(bucket, buckets, 'buckets')))
  return bucket
}

/** Their rows go where those of the first entity they link go. */
function companions(chosen: readonly PlanInclusion[], index: EntityIndex, selection: EntitySelection, planBucket: string): PlanInclusion[] {
  return findCompanions(index, selection.has, selection.leaves).flatMap(({ store, mapping, owners }) => {
    if (mapping.kind === 'entity') return []
    const owner = chosen.find((inclusion) => inclusion.store === store && inclusion.entity === owners[0])
    return [
      { store, entity: mapping.name, bucket: owner?.bucket ?? planBucket, ignore: [], sensitive: [], tenant: null, because: mapping.kind, owners, ignored: [] },
    ]
  })
}

/** What plans say of the foreign key that leads to the tenant. */
function throughOf(selection: EntitySelection, inclusions: readonly PlanInclusion[]): Map<PlanInclusion, { readonly property: string; readonly path: string }> {
  const through = new Map<PlanInclusion, { readonly property: string; readonly path: string }>()
  for (const { store, mapping, declarations } of selection.selected) {
    const inclusion = inclusions.find((one) => one.store === store && one.entity === mapping.name)
    for (const { declared, path } of declarations) {
      const { tenantThrough: property } = declared
      if (inclusion && typeof property === 'string' && property.trim() !== '') through.set(inclusion, { property, path: `${path}.tenantThrough` })
    }
  }
  return through
}

function resolvedEntity({ store, entity, bucket, ignore, sensitive, tenant, cursor, owner, shared }: PlanInclusion): ResolvedEntity {
  return {
    store,
    entity,
    bucket,
    ignore,
    sensitive,
    tenant,
    ...(cursor === undefined ? {} : { cursor }),
    ...(owner ? { owner } : {}),
    ...(shared ? { shared } : {}),
  }
}

/** By name, not by declaration, so that moving a line of the declaration is no new plan. */
function byStoreAndName(a: PlanInclusion, b: PlanInclusion): number {
  return compare(a.store, b.store) || compare(a.entity, b.entity)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
