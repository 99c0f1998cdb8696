import { rememberProperty, type PropertyMark } from './class-facts.ts'
import { decoratorTarget } from './decorator-target.ts'

type PropertyContext = ClassFieldDecoratorContext | ClassAccessorDecoratorContext | ClassGetterDecoratorContext | ClassSetterDecoratorContext

/** Works with `experimentalDecorators` and as an ES decorator; keeps no value and replaces nothing. */
export type PropertyMarker = (target: unknown, nameOrContext: string | symbol | PropertyContext, descriptor?: unknown) => void

export function propertyMarker(decorator: PropertyMark['decorator'], more: Pick<PropertyMark, 'mask'> = {}): PropertyMarker {
  return (...args: unknown[]) => {
    const { owner, property } = decoratorTarget(decorator, 'property', args)
    if (property !== null) rememberProperty(owner, { decorator, property, reason: null, ...more })
  }
}
