// The connection to the server: one event feed, and requests. The admin key is kept in this tab's session storage and nowhere else.

const KEPT = 'gemini-adapter.admin-key';

export const key = {
  get: () => sessionStorage.getItem(KEPT),
  set: (text) => sessionStorage.setItem(KEPT, text),
  forget: () => sessionStorage.removeItem(KEPT),
};

/** What the server said last, by event. */
export const state = { requests: { live: [], over: [], under_way: 0 } };

const MOST = 300;

/** Asks for something; throws an error with the server's words and its status. */
export async function ask(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { authorization: `Bearer ${key.get()}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    cache: 'no-store',
  });
  const text = await response.text();
  let document = null;
  try { document = JSON.parse(text); } catch { /* some proxy's page */ }
  if (!response.ok) {
    const error = new Error(document?.error?.message ?? `HTTP ${response.status}`);
    Object.assign(error, { status: response.status, document });
    throw error;
  }
  return document;
}

/** What `path` answers, as a file. */
export async function download(path, name) {
  const document_ = await ask('GET', path);
  const url = URL.createObjectURL(new Blob([JSON.stringify(document_, null, 2)], { type: 'application/json' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function take(event, data) {
  if (event !== 'requests') {
    state[event] = data;
    return;
  }
  const { over } = state.requests;
  const known = new Set(data.over.map((request) => request.number));
  state.requests = {
    ...data,
    over: data.all ? data.over : [...data.over, ...over.filter((request) => !known.has(request.number))].slice(0, MOST),
  };
}

/** Listens for as long as the key is good; tells each event to `on`, and how the connection is to `at`. */
export async function listen(on, at, signal) {
  let pause = 500;
  while (!signal.aborted) {
    try {
      const response = await fetch('events', { headers: { authorization: `Bearer ${key.get()}` }, signal, cache: 'no-store' });
      if (response.status === 401 || response.status === 403) {
        const words = await response.json().catch(() => null);
        at('refused', words?.error?.message);
        return;
      }
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      pause = 500;
      at('live');
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const frames = (rest + value).split('\n\n');
        rest = frames.pop();
        for (const frame of frames) {
          const event = /^event: (.*)$/m.exec(frame)?.[1];
          const data = /^data: (.*)$/m.exec(frame)?.[1];
          if (!event || !data) continue;
          take(event, JSON.parse(data));
          on(event);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      at('lost', error.message);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 10_000);
  }
}

let skew = 0;
/** The server's clock. */
export const now = () => Date.now() + skew;
export function tick(at) { skew = new Date(at).getTime() - Date.now(); }
