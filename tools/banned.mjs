// Calls that are banned everywhere, and calls that belong to one folder because tests hand in the real
// thing's replacement there: memory, time, randomness.
import { readFileSync } from 'node:fs';

const call = (names) => new RegExp(`(?<![\\w.]|->)(?:${names})\\s*\\(`, 'g');
const rules = [
    { match: call('sprintf|vsprintf|strcpy|strcat|atoi|atol|gets|alloca|strtok'), home: null,
      why: 'banned' },
    { match: call('malloc|calloc|realloc|free|strdup|strndup|asprintf'),
      home: /^(src\/base|tests|bench)\//, why: 'allocate through base/mem.h' },
    { match: call('clock_gettime|gettimeofday|time'), home: /^(src\/base|src\/sys|tests|bench)\//,
      why: 'time arrives as struct clock' },
    { match: call('rand|random|getrandom|arc4random'), home: /^(src\/base|src\/security|tests|bench)\//,
      why: 'randomness arrives as struct rnd' },
    { match: call('LOG|log_line'), home: /^(src\/(base|net|api|app)|tests|bench)\//,
      why: 'layers 0 to 6 return what happened; 7 to 9 log' },
    { match: /\b(?:TODO|FIXME|XXX)\b/g, home: null, why: 'finish it or open an issue', comments: true },
];
let bad = 0;
for (const file of process.argv.slice(2)) {
    const text = readFileSync(file, 'utf8');
    const code = text.replace(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'/g,
        (part) => part.replace(/[^\n]/g, ' '));
    for (const { match, home, why, comments } of rules) {
        if (home?.test(file)) continue;
        for (const found of (comments ? text : code).matchAll(match)) {
            const line = text.slice(0, found.index).split('\n').length;
            console.log(`${file}:${line}: ${found[0].replace('(', '').trim()}: ${why}`);
            bad++;
        }
    }
}
process.exit(bad ? 1 : 0);
