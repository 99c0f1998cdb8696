export { KeyImage, type Piece } from './key-image.ts'
export { type Decision, reconcile, type ReconcileOptions } from './reconcile.ts'
