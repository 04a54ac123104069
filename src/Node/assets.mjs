// Brings what the pages load into wwwroot: styles and scripts from npm to lib/, and one sprite of the icons in use.
// Run by the build: `node src/Node/assets.mjs`. Does nothing while neither the lock file nor the icons in use changed.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const src = dirname(here);
const lib = join(here, 'wwwroot', 'lib');
const modules = join(here, 'node_modules');
const sprite = join(here, 'wwwroot', 'icons.svg');
const stampFile = join(lib, '.stamp');
const files = {
  'tabler.min.css': '@tabler/core/dist/css/tabler.min.css',
  'htmx.min.js': 'htmx.org/dist/htmx.min.js',
  'echarts.min.js': 'echarts/dist/echarts.min.js',
};

const skipped = new Set(['bin', 'obj', 'node_modules', 'wwwroot', 'Migrations']);
const sources = folder => readdirSync(folder, { withFileTypes: true }).flatMap(entry =>
  entry.isDirectory() ? (skipped.has(entry.name) ? [] : sources(join(folder, entry.name)))
    : /\.(razor|cs)$/.test(entry.name) ? [join(folder, entry.name)] : []);

// <Icon Name="x" />, <TimelineItem Icon="x">, Icon: "x", new NavItem("key", "/href", "x", ...)
const uses = [/<Icon\b[^>]*?\bName="([a-z0-9-]+)"/g, /\b[Ii]con\s*[=:]\s*"([a-z0-9-]+)"/g, /\bNavItem\(\s*"[^"]*",\s*"[^"]*",\s*"([a-z0-9-]+)"/g];
const names = new Set(readFileSync(join(here, 'icons.txt'), 'utf8').split('\n').map(line => line.trim()).filter(line => line && !line.startsWith('#')));
for (const file of sources(src)) {
  const text = readFileSync(file, 'utf8');
  for (const use of uses) for (const [, name] of text.matchAll(use)) names.add(name);
}
const icons = [...names].sort();

const stamp = createHash('sha256').update(readFileSync(join(here, 'package-lock.json'))).update(readFileSync(fileURLToPath(import.meta.url))).update(icons.join(' ')).digest('hex');
const current = existsSync(sprite) && Object.keys(files).every(name => existsSync(join(lib, name)))
  && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
if (!current) {
  if (!installed()) {
    const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit', shell: process.platform === 'win32' });
    if (npm.status !== 0) fail(`npm ci ended with ${npm.status ?? npm.error}`);
  }

  mkdirSync(lib, { recursive: true });
  for (const [to, from] of Object.entries(files)) copyFileSync(join(modules, from), join(lib, to));
  const unknown = icons.filter(name => !existsSync(iconFile(name)));
  if (unknown.length) fail(`no such icon: ${unknown.join(', ')}`);
  writeFileSync(sprite, `<svg xmlns="http://www.w3.org/2000/svg">\n${icons.map(symbol).join('\n')}\n</svg>\n`);
  writeFileSync(stampFile, stamp);
  console.log(`wwwroot/lib: ${Object.keys(files).length} files, icons.svg: ${icons.length} icons`);
}

// npm writes this file last, so it stands for a finished install of exactly this lock file's versions
function installed() {
  const done = join(modules, '.package-lock.json');
  if (!existsSync(done)) return false;
  const want = JSON.parse(readFileSync(join(here, 'package-lock.json'), 'utf8')).packages;
  const have = JSON.parse(readFileSync(done, 'utf8')).packages;
  return Object.entries(want).every(([path, { version, optional, peer }]) => path === '' || optional || peer || have[path]?.version === version);
}

function iconFile(name) {
  return name.endsWith('-filled') ? join(modules, '@tabler/icons/icons/filled', `${name.slice(0, -7)}.svg`) : join(modules, '@tabler/icons/icons/outline', `${name}.svg`);
}

function symbol(name) {
  const body = /<svg[^>]*>([\s\S]*)<\/svg>/.exec(readFileSync(iconFile(name), 'utf8'))[1]
    .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none" \/>/, '').replace(/\s*\n\s*/g, '');
  const paint = name.endsWith('-filled') ? 'fill="currentColor"' : 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${body}</symbol>`;
}

function fail(message) {
  console.error(`assets: ${message}`);
  process.exit(1);
}
