// node .ci/count-tests.mjs REPORT EXIT-CODE MAY-SKIP: prints "PASSED FAILED" of a run of vitest from its JSON report.
// A file that did not load, a run that ended badly for any other reason, and a skipped test are failures: nothing is skipped
// here but the tests of files whose path holds one of MAY-SKIP, separated by commas: those run in steps of their own.
import { readFileSync } from 'node:fs';

const [report, exitCode, maySkip] = process.argv.slice(2);
const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
let passed = 0;
let failed = 0;
for (const { name, status, message, assertionResults } of testResults) {
  const ended = (wanted) => assertionResults.filter((test) => wanted.includes(test.status));
  const broken = ended(['failed']);
  const runElsewhere = (maySkip ?? '').split(',').some((path) => path && name.includes(path));
  const skipped = runElsewhere ? [] : ended(['pending', 'skipped', 'todo', 'disabled']);
  passed += ended(['passed']).length;
  failed += broken.length + skipped.length;
  for (const { fullName } of skipped) console.error(`Skipped, which counts as failed here: ${fullName}`);
  for (const { fullName, failureMessages } of broken)
    console.error(`Failed: ${fullName}: ${failureMessages[0]?.split('\n')[0]}`);
  if (status === 'failed' && broken.length === 0) {
    failed += 1;
    console.error(`Did not load: ${name}: ${message}`);
  }
}
if (exitCode !== '0' && failed === 0) {
  failed = 1;
  console.error(`Exit code ${exitCode}, though no test failed.`);
}
console.log(`${passed} ${failed}`);
