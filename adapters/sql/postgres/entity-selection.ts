export * from '../mapping/entity-selection.ts'
