/** @typedef {'connecting' | 'live' | 'broken' | 'offline' | 'signedOut' | 'ended'} State */

/**
 * @typedef {object} Follower
 * @property {() => Promise<'ok' | 'ended' | 'signedOut'>} catchUp Loads what was missed; fails where the server is not reached.
 * @property {(state: State, since: string) => void} state
 * @property {(name: string, data: any) => void} event
 */

const names = ['stage', 'run', 'steering', 'end', 'progress', 'curve'];
const firstPauseMs = 1000;
const longestPauseMs = 30_000;
/** The stream speaks every few seconds while something trains; a connection that says nothing for so long may be dead without a word. */
const silentMs = 60_000;
/** A tab that nobody sees for so long gives its connection back. */
const hiddenMs = 30_000;

/**
 * Follows a stream of events through lost connections, sleep and restarts of the server. Of several tabs one reads it, who holds the lock,
 * and tells the others: a browser has six connections to a server, and each stream is one.
 * @param {string} url
 * @param {Follower} follower
 */
export function follow(url, { catchUp, state, event }) {
  const channel = new BroadcastChannel(`assay ${url}`);
  let lastId = '';
  let ended = false;
  /** @type {State} */
  let now = 'connecting';
  let since = clock();
  /** @type {AbortController | null} */
  let own = null;
  /** @type {number | undefined} */
  let hiding;

  channel.onmessage = ({ data }) => {
    if (data.kind === 'event') take(data.name, data.id, data.data);
    else if (data.kind === 'state') set(data.state);
    else if (data.kind === 'who' && own?.signal.aborted === false && reads) tell({ kind: 'state', state: now });
  };
  /** Whether this tab is the one that reads. */
  let reads = false;

  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(stop, hiddenMs);
    else start();
  });
  addEventListener('pagehide', stop);
  addEventListener('pageshow', start);
  addEventListener('offline', () => set('offline'));
  addEventListener('online', () => {
    if (own === null) return;
    stop();
    start();
  });
  start();

  function start() {
    // One that is opened behind others begins when it is first seen.
    if (own !== null || ended || document.hidden) return;
    own = new AbortController();
    const { signal } = own;
    set('connecting');
    // Outside of https and loopback a page has no locks: each tab then reads for itself.
    if (!('locks' in navigator)) void read(signal);
    else {
      tell({ kind: 'who' });
      navigator.locks.request(`assay ${url}`, { signal }, () => read(signal)).catch(() => undefined);
      // What came between the page and the first event from another tab.
      void catchUp().then(outcome, () => undefined);
    }
  }

  function stop() {
    own?.abort();
    own = null;
    reads = false;
  }

  /** @param {AbortSignal} signal */
  async function read(signal) {
    reads = true;
    let pause = firstPauseMs;
    while (!signal.aborted && !ended) {
      if (navigator.onLine) {
        try {
          if (!outcome(await catchUp())) return;
          if (await stream(signal)) pause = firstPauseMs;
        } catch {
          // The server is not reached.
        }
      }
      if (signal.aborted || ended) return;
      share(navigator.onLine ? 'broken' : 'offline');
      // Servers that come back are not asked by all tabs of all people in the same moment.
      await rest(pause * (0.75 + Math.random() / 2), signal);
      pause = Math.min(2 * pause, longestPauseMs);
    }
  }

  /**
   * Ends with the connection; whether there was one.
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>}
   */
  function stream(signal) {
    return new Promise((resolve) => {
      const source = new EventSource(lastId === '' ? url : `${url}?after=${encodeURIComponent(lastId)}`);
      let opened = false;
      /** @type {number | undefined} */
      let silence;
      const listen = () => {
        clearTimeout(silence);
        silence = setTimeout(done, silentMs);
      };
      const done = () => {
        clearTimeout(silence);
        source.close();
        removeEventListener('offline', done);
        signal.removeEventListener('abort', done);
        resolve(opened);
      };
      source.onopen = () => {
        opened = true;
        share('live');
        listen();
      };
      source.onerror = done;
      addEventListener('offline', done);
      signal.addEventListener('abort', done, { once: true });
      for (const name of names)
        source.addEventListener(name, (message) => {
          listen();
          const data = JSON.parse(message.data);
          tell({ kind: 'event', name, id: message.lastEventId, data });
          take(name, message.lastEventId, data);
          if (ended) done();
        });
    });
  }

  /**
   * @param {string} name
   * @param {string} id
   * @param {any} data
   */
  function take(name, id, data) {
    if (id !== '') lastId = id;
    event(name, data);
    if (name !== 'end') return;
    ended = true;
    set('ended');
    stop();
  }

  /**
   * Whether there is more to follow.
   * @param {'ok' | 'ended' | 'signedOut'} what
   */
  function outcome(what) {
    if (what === 'ok') return true;
    ended = true;
    set(what);
    stop();
    return false;
  }

  /** @param {State} next */
  function share(next) {
    set(next);
    tell({ kind: 'state', state: next });
  }

  /** @param {State} next */
  function set(next) {
    if (next !== now) since = clock();
    now = next;
    state(now, since);
  }

  /** @param {object} message */
  function tell(message) {
    channel.postMessage(message);
  }
}

const clock = () => new Date().toISOString().slice(11, 19);

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function rest(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
