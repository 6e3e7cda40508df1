// A reporter for node:test: says only what failed, and closes with "cases: PASSED FAILED SKIPPED".
// A case is a test(); a describe() or a file is none, unless it fails on its own account.
export default async function* reporter(source) {
    let passed = 0;
    let failed = 0;
    let skipped = 0;
    for await (const { type, data } of source) {
        if (type === 'test:stderr') yield data.message;
        if (type === 'test:diagnostic' && data.message.startsWith('figure: ')) yield `${data.message}\n`;
        if (type !== 'test:pass' && type !== 'test:fail') continue;
        if (data.skip !== undefined || data.todo !== undefined) {
            skipped++;
            continue;
        }
        const isFile = data.nesting === 0 && /\.m?js$/.test(data.name);
        const isSuite = data.details?.type === 'suite' || isFile;
        if (type === 'test:pass') {
            if (!isSuite) passed++;
            continue;
        }
        const error = data.details?.error;
        if (error?.failureType === 'subtestsFailed') continue;
        failed++;
        const cause = error?.cause ?? error;
        const text = String(cause?.stack ?? cause).replaceAll('\n', '\n  ');
        yield `FAILED ${data.name}\n  ${data.file ?? ''}:${data.line ?? ''}\n  ${text}\n`;
    }
    yield `cases: ${passed} ${failed} ${skipped}\n`;
}
