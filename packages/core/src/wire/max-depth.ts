/** How deep data may be nested. Printing and cloning run out of stack long before parsing does. */
export const maxDepth = 64
