// The node's API as others read it: what @redocly/cli's linter says of it.
// openapi.mjs FILE: a line for each thing that is wrong; ends with 0 if none is.
import { createRequire } from 'node:module';
const { lint, createConfig } = createRequire(process.cwd() + '/')('@redocly/openapi-core');
const config = await createConfig({ extends: ['recommended'] });
const problems = await lint({ ref: process.argv[2], config });
for (const p of problems)
	console.log(`${p.severity} ${p.ruleId}: ${p.message} at ${p.location?.[0]?.pointer}`);
process.exit(problems.length > 0 ? 1 : 0);
