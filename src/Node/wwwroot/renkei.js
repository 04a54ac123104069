// Renkei in the browser: keys, rows and their preview, live events, focus, small comforts, charts.
// Every page works without it; a plot then shows its table. Nothing here may fail because an element is missing.
(() => {
  'use strict';
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const shown = element => !element.checkVisibility || element.checkVisibility({ visibilityProperty: true });

  // posts that answer with a redirect nobody needs to follow
  const csrf = $('meta[name=rk-csrf]');
  const post = (url, fields) => {
    const body = new URLSearchParams(fields);
    if (csrf) body.set(csrf.dataset.field, csrf.content);
    return fetch(url, { method: 'POST', body, redirect: 'manual', credentials: 'same-origin' }).catch(() => { });
  };

  // ---- rows: j k x, click; the preview follows the selection on wide screens ----
  const rows = () => $$('[data-row]').filter(shown);
  const selected = () => $('[data-row][aria-selected=true]');
  const wide = matchMedia('(min-width: 1200px)');
  let waiting, loading;

  function select(row, focus) {
    if (!row) return;
    for (const other of $$('[data-row][aria-selected=true]')) other.setAttribute('aria-selected', 'false');
    row.setAttribute('aria-selected', 'true');
    row.scrollIntoView({ block: 'nearest' });
    if (focus) $('a[href]', row)?.focus({ preventScroll: true });
    const pane = $('#preview');
    if (!pane || !row.dataset.previewUrl || !wide.matches) return;
    clearTimeout(waiting); // someone who runs down a list with j loads the row where they stop
    waiting = setTimeout(() => preview(pane, row), 120);
  }

  async function preview(pane, row) {
    loading?.abort();
    loading = new AbortController();
    try {
      const answer = await fetch(row.dataset.previewUrl, { headers: { 'HX-Request': 'true' }, signal: loading.signal, credentials: 'same-origin' });
      if (!answer.ok || answer.redirected) { pane.replaceChildren(); return; } // gone, or signed out: the row's link tells
      pane.innerHTML = await answer.text();
      window.htmx?.process(pane);
    } catch (error) {
      if (error.name !== 'AbortError') pane.replaceChildren();
    }
  }

  document.addEventListener('click', event => {
    const row = event.target.closest?.('[data-row]');
    if (row && !event.target.closest('a, button, input, label, select, summary')) select(row, false);
  });

  // ---- keys: single letters outside fields, never while an input method composes; a person can switch them off (WCAG 2.1.4) ----
  const typing = target => target.closest?.('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]');
  let going = 0; // until when a letter after g counts

  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
    if (typing(event.target)) { if (event.key === 'Escape') event.target.blur(); return; }
    if (root.dataset.keys === 'off' || $('dialog[open]')) return;
    if (press(event.key, event)) event.preventDefault();
  });

  function press(key, event) {
    if (Date.now() < going) {
      going = 0;
      const link = key.length === 1 && $(`[data-go="${CSS.escape(key)}"]`);
      if (link) { link.click(); return true; }
    }
    const list = rows(), at = list.indexOf(selected());
    if (key === 'j' && list.length) { select(list[Math.min(list.length - 1, at + 1)], true); return true; }
    if (key === 'k' && list.length) { select(list[Math.max(0, at - 1)], true); return true; }
    if (key === 'x' && at >= 0) { $('input[type=checkbox]', list[at])?.click(); return true; }
    if (key === 'Enter' && at >= 0 && (event.target === document.body || event.target.id === 'main')) { $('a[href]', list[at])?.click(); return true; }
    if (key === 'g' && $('[data-go]')) { going = Date.now() + 1500; return true; }
    if (key.length !== 1 || event.repeat) return false;
    const target = $$(`[data-key="${CSS.escape(key)}"]`).find(shown); // the bulk bar comes before the preview, and is hidden while nothing is ticked
    if (!target || target.disabled || target.getAttribute('aria-disabled') === 'true') return false;
    if (target.matches('input, textarea, select')) { target.focus(); target.select?.(); } else target.click();
    return true;
  }

  // ---- bulk bar: says how many are ticked, away while none is ----
  function count() {
    const bar = $('[data-bulk]');
    if (!bar) return;
    const number = $$('[data-row] .rk-pick input:checked, [data-row].rk-pick input:checked').length;
    bar.hidden = number === 0;
    const output = $('output', bar);
    if (output) output.textContent = bar.dataset.bulk.replace('{n}', number);
  }
  document.addEventListener('change', event => { if (event.target.closest?.('[data-row]')) count(); });
  addEventListener('pageshow', count); // the browser restores ticks on the way back

  // ---- theme, keys: at once here, stored with the person ----
  document.addEventListener('submit', event => {
    const form = event.target.closest?.('form[data-act=theme]');
    if (!form) return;
    event.preventDefault();
    const button = $('button[name=theme]', form), theme = button.value;
    root.dataset.bsTheme = theme;
    button.value = theme === 'dark' ? 'light' : 'dark';
    post(form.action, { theme });
  });
  document.addEventListener('click', event => { if (event.target.closest?.('[data-act=keys]')) $('#keys')?.showModal(); });
  $('#keys-on')?.addEventListener('change', event => {
    root.dataset.keys = event.target.checked ? 'on' : 'off';
    post('/me/keys', { keys: root.dataset.keys });
  });

  // ---- toasts stay ten seconds at least, and while someone is on them ----
  function fade(toast) {
    const look = () => { if (toast.matches(':hover, :focus-within')) setTimeout(look, 3000); else toast.remove(); };
    setTimeout(look, toast.querySelector('form, a') ? 20000 : 10000);
  }
  function say(text) {
    const toast = document.createElement('div');
    toast.className = 'rk-toast';
    toast.textContent = text;
    $('.rk-toasts')?.append(toast);
    fade(toast);
  }
  $$('.rk-toast').forEach(fade);

  // ---- copy, and the size of files before they are sent ----
  document.addEventListener('click', async event => {
    const button = event.target.closest?.('[data-copy]');
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      say(button.dataset.copied || button.textContent);
    } catch { getSelection()?.selectAllChildren(button.previousElementSibling || button); } // no permission: at least select it
  });
  const language = root.lang || 'en';
  const megabytes = bytes => `${new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(bytes / 1048576)} MB`;
  document.addEventListener('change', event => {
    const input = event.target;
    if (!input.matches?.('input[type=file][data-size-text]')) return;
    const total = [...input.files].reduce((sum, file) => sum + file.size, 0), max = Number(input.dataset.maxTotal) || Infinity, over = total > max;
    let line = input.parentElement.querySelector('.rk-size');
    if (!line) {
      line = document.createElement('p');
      line.setAttribute('role', 'status');
      input.after(line);
    }
    line.className = over ? 'rk-size rk-err' : 'rk-size rk-help';
    line.textContent = (over ? input.dataset.largeText : input.files.length ? input.dataset.sizeText : '').replace('{n}', input.files.length).replace('{size}', megabytes(total)).replace('{max}', megabytes(max));
    input.setCustomValidity(over ? line.textContent : '');
  });

  // ---- live events: "unread" (a number) and "changed" (a topic). Nothing one reads is pushed away ----
  const waits = {};
  const heard = {
    unread(text) {
      const number = Number(text) || 0, bell = $('[data-bell]'), dot = bell && $('.rk-dot', bell);
      if (!dot) return;
      dot.textContent = number > 99 ? '99+' : number;
      dot.hidden = number === 0;
      bell.setAttribute('aria-label', bell.dataset.bell.replace('{n}', number));
    },
    changed(topic) {
      waits[topic] = (waits[topic] || 0) + 1;
      for (const line of $$(`[data-live="${CSS.escape(topic)}"]`)) {
        const link = $('a', line);
        if (!link) continue;
        link.textContent = line.dataset.liveText.replace('{n}', waits[topic]);
        line.hidden = false;
      }
      document.body.dispatchEvent(new CustomEvent(`rk:${topic}`)); // for hx-trigger="rk:TOPIC from:body": counts and states in place
    },
    lost(time) {
      const note = $('#rk-stale'), text = note && $('[data-text]', note);
      if (!text) return;
      text.textContent = text.dataset.text.replace('{time}', time);
      note.hidden = false;
    },
    found() { const note = $('#rk-stale'); if (note) note.hidden = true; },
  };
  if (document.body.dataset.events && window.EventSource) {
    const channel = window.BroadcastChannel ? new BroadcastChannel('rk-events') : null;
    if (channel) channel.onmessage = ({ data }) => heard[data.kind]?.(data.text);
    const tell = (kind, text) => { heard[kind](text); channel?.postMessage({ kind, text }); };
    const listen = () => {
      const stream = new EventSource(document.body.dataset.events);
      let doubt;
      const clock = zone => new Date().toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit', timeZoneName: 'short', timeZone: zone });
      const lose = () => { let at; try { at = clock(document.body.dataset.zone); } catch { at = clock(); } tell('lost', at); }; // the server may know zones this browser does not
      stream.addEventListener('unread', event => tell('unread', event.data));
      stream.addEventListener('changed', event => tell('changed', event.data));
      stream.onopen = () => { clearTimeout(doubt); doubt = undefined; tell('found'); };
      stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) { clearTimeout(doubt); lose(); } else doubt ??= setTimeout(lose, 8000); };
      addEventListener('pagehide', () => { stream.onerror = null; clearTimeout(doubt); stream.close(); });
      addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
    };
    // one tab listens for all: browsers allow six connections to a host, and a stream holds one for good
    if (channel && navigator.locks) navigator.locks.request('rk-events', () => { listen(); return new Promise(() => { }); }); else listen();
  }

  // ---- focus: to the errors; after a swap never back to the top of the page ----
  $('#errors')?.focus();
  let held = false;
  document.addEventListener('htmx:beforeSwap', event => { held = event.detail.target?.contains(document.activeElement) && document.activeElement !== document.body; });
  document.addEventListener('htmx:afterSettle', event => {
    count();
    draw();
    const target = event.detail.target?.isConnected ? event.detail.target : document.getElementById(event.detail.target?.id);
    const errors = target && $('#errors', target);
    if (errors) errors.focus();
    else if (held && document.activeElement === document.body) {
      const next = selected() && $('a[href]', selected()), head = target && ($('h2', target) || $('h2', target.closest('.card') || target));
      if (next) next.focus();
      else if (head) { head.tabIndex = -1; head.focus(); }
    }
    held = false;
  });

  // ---- charts: numbers from the table named in data-table, colours from the tokens. Canvas and rich-text tooltips, for the CSP ----
  const token = name => getComputedStyle(root).getPropertyValue(name).trim();
  const dark = () => root.dataset.bsTheme === 'dark';
  const palette = () => dark() ? ['#5ea3e0', '#e0a458', '#6cc3a0', '#b79ae0', '#98a4b3', '#d98ba8', '#b9b36a', '#6fb6c4'] : ['#1f66ad', '#c77a1b', '#2b8a66', '#7b57b0', '#7d8896', '#a8506f', '#7a7429', '#2f7f90'];
  const number = cell => Number(cell.dataset.value ?? cell.textContent.replace(/[^\d.-]/g, '')) || 0;
  const read = id => {
    const table = document.getElementById(id);
    return table && {
      series: $$('thead th', table).slice(1).map(head => head.textContent.trim()),
      rows: $$('tbody tr', table).map(row => ({ name: row.cells[0].textContent.trim(), values: [...row.cells].slice(1).map(number) })),
    };
  };
  const axis = () => ({ axisLine: { lineStyle: { color: token('--rk-control') } }, axisTick: { show: false }, axisLabel: { color: token('--rk-soft'), fontSize: 12, hideOverlap: true }, splitLine: { lineStyle: { color: token('--rk-line') } } });
  const frame = () => ({
    animation: false, color: palette(), textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: token('--rk-text') },
    tooltip: { trigger: 'axis', renderMode: 'richText', confine: true, backgroundColor: token('--rk-card'), borderColor: token('--rk-control'), textStyle: { color: token('--rk-text') } },
  });
  const kinds = {
    bars(data, width) {
      return {
        ...frame(),
        legend: { data: data.series, textStyle: { color: token('--rk-text') }, itemWidth: 14, itemHeight: 9, top: 0, left: 8 },
        grid: { left: 44, right: 12, top: width < 480 ? 56 : 34, bottom: 24 },
        xAxis: { type: 'category', data: data.rows.map(row => row.name), ...axis() },
        yAxis: { type: 'value', minInterval: 1, ...axis(), axisLine: { show: false } },
        series: data.series.map((name, i) => ({ name, type: 'bar', stack: 'all', barMaxWidth: 26, itemStyle: { borderColor: token('--rk-card'), borderWidth: 1 }, data: data.rows.map(row => row.values[i] ?? 0) })),
      };
    },
  };
  const sizes = window.ResizeObserver && new ResizeObserver(entries => { for (const { target } of entries) window.echarts?.getInstanceByDom(target)?.resize(); });
  const option = plot => { const data = read(plot.dataset.table), kind = kinds[plot.dataset.chart]; return data && kind ? kind(data, plot.clientWidth) : null; };
  function draw() {
    for (const plot of $$('[data-chart]')) {
      const what = option(plot);
      if (!what || !window.echarts) { plot.closest('figure')?.querySelector('details')?.setAttribute('open', ''); plot.hidden = true; continue; }
      const chart = echarts.getInstanceByDom(plot) || echarts.init(plot, null, { renderer: 'canvas' });
      chart.setOption(what, true);
      sizes?.observe(plot);
    }
  }
  draw();
  new MutationObserver(draw).observe(root, { attributes: true, attributeFilter: ['data-bs-theme'] });
  document.addEventListener('click', event => {
    const button = event.target.closest?.('[data-svg]'), plot = button && $('[data-chart]', document.getElementById(button.dataset.svg) || document);
    const what = plot && option(plot);
    if (!what || !window.echarts) return;
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: plot.clientWidth || 800, height: plot.clientHeight || 320 });
    chart.setOption({ ...what, backgroundColor: token('--rk-card') });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([chart.renderToSVGString()], { type: 'image/svg+xml' }));
    link.download = `${button.dataset.svg}.svg`;
    link.click();
    URL.revokeObjectURL(link.href);
    chart.dispose();
  });
})();
