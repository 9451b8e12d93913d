/** A name that nothing else has. `crypto.randomUUID` is missing at addresses that are neither this machine's nor encrypted. */
export const randomName = (): string => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
