import type { EntityMapping } from '../contracts/entity-descriptor.ts'
import type { Masker } from '../contracts/masker.ts'
import { propertyMarks } from './class-facts.ts'
import { childClasses, classesOf, ownClasses } from './entity-index.ts'

/** The maskers that `@Sensitive({ mask })` names on the classes of a table and on what is embedded in them. */
export function declaredMasks(entity: EntityMapping): { readonly property: string; readonly mask: Masker }[] {
  const marksOf = (target: unknown, prefix: string) =>
    propertyMarks(target).flatMap(({ property, mask }) => (mask === undefined ? [] : [{ property: prefix + property, mask }]))
  const own = [...ownClasses(entity), ...childClasses(entity)].flatMap((target) => marksOf(target, ''))
  const embedded = (entity.embedded ?? []).flatMap(({ path, target }) => classesOf(target).flatMap((owner) => marksOf(owner, `${path}.`)))
  return [...own, ...embedded]
}
