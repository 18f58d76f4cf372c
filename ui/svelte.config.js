/** Types in Svelte files are erased by the compiler itself, so nothing needs to run before it. */
export default {};
