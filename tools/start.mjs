// `npm start`: serves the app on localhost, from a fresh clone with nothing but Node. Extra arguments go to Vite (`--
// --port 8080`). To deploy, put what `npm run build` writes on any static host.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, ROOT } from './install.mjs';

ensureInstalled();
const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
const server = spawn(process.execPath, [vite, ...process.argv.slice(2)], { cwd: ROOT, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill(signal));
server.on('exit', (code, signal) => process.exit(signal ? 0 : (code ?? 1)));
