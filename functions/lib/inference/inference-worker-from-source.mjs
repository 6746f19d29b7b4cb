// The worker in a checkout: Node 20 reads no TypeScript, and a worker thread inherits no loader, so this one brings its own.
// The compiled package starts inference-worker.js directly and leaves this file out.
import { register } from 'tsx/esm/api';

register();
await import('./inference-worker.ts');
