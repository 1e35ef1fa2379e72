/** What engine and nsrestore both call the file behind memory that is filled while its process runs (docs/adr/0047). */

/** Its path in CRIU's images: nothing is opened by it, for the descriptor is handed over under this name. */
export const GATE_FILE = 'dynamo-snapshot-driver-memory';
