// Judges the sizes of C files that clang-format has laid out: a function's `{` and `}` stand alone in
// column 0, control statements begin their line. tools/lengths_allowed.txt may name a sinner and why.
import { readFileSync } from 'node:fs';

const FUNCTION_LINES = 60, FILE_LINES = 500, COLUMNS = 100, NESTING = 3;
const allowed = new Map(readFileSync('tools/lengths_allowed.txt', 'utf8').split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => [line.split(/\s+/)[0], { line, used: false }]));
let bad = 0;

function complain(file, line, name, what) {
    const exception = allowed.get(`${file}:${name}`);
    if (exception) {
        exception.used = true;
        return;
    }
    bad++;
    console.log(`${file}:${line}: ${name ? `${name}: ` : ''}${what}`);
}

// Comments and the contents of strings become blanks, so that braces in them do not count.
function blank(text) {
    const keepLines = (part) => part.replace(/[^\n]/g, ' ');
    return text.replace(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'/g, keepLines);
}

const CONTROL = /^(?:\} )?(?:else if|if|for|while|switch|do|else)\b/;

// The deepest control statement of a body, 1 for a plain `if`. A body without braces counts too.
function nesting(lines) {
    const stack = []; // for each open brace: does it belong to a control statement?
    let deepest = 0, at = 0, unbraced = 0;
    lines.forEach((raw, index) => {
        const line = raw.trim();
        if (!line || line.startsWith('#')) return;
        const closesFirst = line.startsWith('}');
        const isControl = CONTROL.test(line) && !/^\} while\b/.test(line);
        const level = stack.filter(Boolean).length - (closesFirst && stack.at(-1) ? 1 : 0) + unbraced;
        if (isControl && level + 1 > deepest) { deepest = level + 1; at = index; }
        let ofControl = isControl;
        for (const c of line) {
            if (c === '{') { stack.push(ofControl && /\{$/.test(line)); ofControl = false; }
            if (c === '}') stack.pop();
        }
        if (isControl && /\)$|^else$|^do$/.test(line)) unbraced++;
        else if (/[;{}]$/.test(line)) unbraced = 0;
    });
    return { deepest, at };
}

for (const file of process.argv.slice(2)) {
    const text = readFileSync(file, 'utf8');
    const raw = text.split('\n');
    if (raw.length - 1 > FILE_LINES) complain(file, 1, '', `${raw.length - 1} lines, at most ${FILE_LINES}`);
    raw.forEach((line, i) => {
        const columns = [...line].length;
        if (columns > COLUMNS) complain(file, i + 1, '', `${columns} columns, at most ${COLUMNS}`);
    });
    const lines = blank(text).split('\n');
    let start = -1;
    lines.forEach((line, i) => {
        if (line.startsWith('{')) {
            start = i;
        } else if (line.startsWith('}') && start >= 0) {
            let head = start - 1;
            while (head > 0 && /\S/.test(lines[head - 1]) && !/[;}]\s*$|^#/.test(lines[head - 1])) head--;
            const name = lines.slice(head, start).join(' ').match(/(\w+)\s*\(/)?.[1] ?? '';
            const length = i - head + 1;
            if (length > FUNCTION_LINES) {
                complain(file, head + 1, name, `${length} lines, at most ${FUNCTION_LINES}`);
            }
            const deep = nesting(lines.slice(start + 1, i));
            if (deep.deepest > NESTING) {
                complain(file, start + 2 + deep.at, name, `nested ${deep.deepest} deep, at most ${NESTING}`);
            }
            start = -1;
        }
    });
}
for (const { line, used } of allowed.values()) {
    if (!used) {
        bad++;
        console.log(`tools/lengths_allowed.txt: no longer needed: ${line}`);
    }
}
process.exit(bad ? 1 : 0);
