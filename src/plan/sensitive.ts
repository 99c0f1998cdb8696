import { propertyMarker, type PropertyMarker } from './property-marker.ts'

/** Marks a property whose values are backed up, but never appear in samples, diagnostics or logs. Holds in every plan. */
export function Sensitive(): PropertyMarker {
  return propertyMarker('@Sensitive')
}
