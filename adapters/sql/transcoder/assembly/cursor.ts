/** The second result of functions that move through input and output at once: where in the input they stopped. */
export namespace Cursor {
  export let src: usize = 0
}
