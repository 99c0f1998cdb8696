/** A value that is JSON, but not of the form its field's type asks for. The caller turns it into `E_RECORD` with entity, line and field. */
export class ValueError extends Error {}
