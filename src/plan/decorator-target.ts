import { HoldfastError } from '../kernel/errors.ts'
import { isEntityClass } from './entity-reference.ts'
import { PlanProblem, planInvalid } from './plan-problem.ts'

/** What a decorator was put on, whichever of the two decorator modes called it. */
export interface DecoratorTarget {
  /** Property name; null for the class itself. */
  readonly property: string | null
  /** Whom to remember it for: the class, or the metadata object that the runtime hangs on the class (ES mode). */
  readonly owner: object
  /** For messages: `Order`, `Order.searchText`; ES mode does not tell the class of a property. */
  readonly label: string
}

/** The part of an ES decorator context that is read. */
interface EsContext {
  readonly kind: string
  readonly name?: string | symbol | undefined
  readonly static?: boolean
  readonly private?: boolean
  readonly metadata?: object
}

const PROPERTY_KINDS = new Set(['field', 'accessor', 'getter', 'setter'])

/**
 * Tells legacy mode (`experimentalDecorators`) from ES mode by the second argument, which only ES mode fills with a context object.
 * `on` says what the decorator may stand on. Throws `E_PLAN_INVALID` where it stands wrong, so that no mark is lost silently.
 */
export function decoratorTarget(decorator: string, on: 'class' | 'property' | 'both', args: readonly unknown[]): DecoratorTarget {
  const target = isEsContext(args[1]) ? esTarget(decorator, args[0], args[1]) : legacyTarget(decorator, args)
  const found = target.property === null ? 'class' : 'property'
  if (on !== 'both' && on !== found) throw misplaced(decorator, target.label, `it belongs on a ${on}, not on a ${found}`)
  return target
}

function esTarget(decorator: string, value: unknown, context: EsContext): DecoratorTarget {
  const name = String(context.name ?? 'anonymous class')
  // The metadata object outlives a class decorator that replaces the class; the class itself is the way out where a compiler leaves it away.
  if (context.kind === 'class') return { property: null, owner: context.metadata ?? (value as object), label: name }
  if (!PROPERTY_KINDS.has(context.kind)) throw misplaced(decorator, name, `a ${context.kind} is no persisted property`)
  if (context.private) throw misplaced(decorator, name, 'a #private member cannot be mapped by an ORM')
  if (context.static) throw misplaced(decorator, name, 'a static member is no persisted property')
  if (typeof context.name === 'symbol') throw misplaced(decorator, name, 'a property named by a symbol cannot be mapped by an ORM')
  if (!context.metadata) {
    throw new HoldfastError('E_CONFIG', `${decorator} on ${name}: the compiler passes no decorator metadata`, {
      hint: 'Import holdfast before the class is defined, and compile with a compiler that passes context.metadata (TypeScript 5.2 or later).',
    })
  }
  return { property: name, owner: context.metadata, label: name }
}

function legacyTarget(decorator: string, args: readonly unknown[]): DecoratorTarget {
  const [target, key, descriptor] = args
  if (key === undefined && isEntityClass(target)) return { property: null, owner: target, label: target.name }
  if (isEntityClass(target)) throw misplaced(decorator, `${target.name}.${String(key)}`, 'a static member is no persisted property')
  const owner: unknown = typeof target === 'object' && target !== null ? target.constructor : undefined
  if (!isEntityClass(owner)) throw misplaced(decorator, String(key ?? target), 'it stands on neither a class nor a property')
  const label = `${owner.name}.${String(key)}`
  if (typeof key !== 'string') throw misplaced(decorator, label, 'a property named by a symbol cannot be mapped by an ORM')
  if (typeof descriptor === 'number') throw misplaced(decorator, label, 'a parameter is no persisted property')
  if (isMethod(descriptor)) throw misplaced(decorator, label, 'a method is no persisted property')
  return { property: key, owner, label }
}

function misplaced(decorator: string, label: string, problem: string): HoldfastError {
  return planInvalid('a decorator', [new PlanProblem(label, decorator, problem, `Take ${decorator} away here`)])
}

function isEsContext(value: unknown): value is EsContext {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string'
}

function isMethod(descriptor: unknown): boolean {
  return typeof descriptor === 'object' && descriptor !== null && 'value' in descriptor && typeof descriptor.value === 'function'
}
