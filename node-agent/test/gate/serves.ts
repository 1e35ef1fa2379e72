/** Serves a CRIU that does not come, and ends. */
import { CriuSocket } from '../../src/gate/criu-socket';

new CriuSocket(process.argv[2] ?? '').serve();
setTimeout(() => process.exit(3), 50);
