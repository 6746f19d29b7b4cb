/** What a script can tell from the command's end. */
export const exitCodes = { done: 0, failed: 1, misuse: 2, unsettled: 3, interrupted: 130 } as const;
