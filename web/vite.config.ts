import react from '@vitejs/plugin-react';
import { defineConfig, type ProxyOptions } from 'vite';

/** The console of the running local stack, which serves /config.json. */
const stack = process.env.INFERENCE_EDGE_URL || 'http://localhost:4000';

/** Passes the stack's configuration on; where no stack runs, the page gets a reason that it can show. */
const configuration: ProxyOptions = {
  target: stack,
  changeOrigin: true,
  configure(proxy) {
    proxy.on('error', (_, __, response) => {
      if (!('writeHead' in response) || response.headersSent) return;
      const error = `The local stack does not answer at ${stack}. Start it with "cargo run" in the folder of the project, or set INFERENCE_EDGE_URL to the address of its console and start this server again.`;
      response.writeHead(502, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(JSON.stringify({ error }));
    });
  },
};

export default defineConfig({
  plugins: [react()],
  base: './',
  // The local stack's default ALLOWED_ORIGINS has this port.
  preview: { port: 5173, strictPort: true },
  server: { port: 5173, strictPort: true, proxy: { '/config.json': configuration } },
});
