import { propertyMarker, type PropertyMarker } from './property-marker.ts'

/** Marks the property that says which tenant a row belongs to. One column, one property a class. Holds in every plan. */
export function TenantProperty(): PropertyMarker {
  return propertyMarker('@TenantProperty')
}
