import type { Loaded } from './configuration';
import { usePageTitle } from './title';

const EXAMPLE = `{
  "apiUrl": "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
  "region": "us-east-1",
  "userPoolId": "us-east-1_AbCdEf123",
  "userPoolClientId": "1h57kf5cpq17m0eml12example"
}`;

/** What the page shows where it does not know its API: which part is wrong and how to correct it. */
export function ConfigurationProblem({ found }: { found: Exclude<Loaded, { kind: 'configured' }> }) {
  const title = { absent: 'This page is not configured', invalid: 'The configuration of this page is not valid', unreadable: 'The configuration of this page could not be read' }[found.kind];
  usePageTitle(title);
  return (
    <main className="card">
      <h1>{title}</h1>
      {found.kind === 'absent' && <p>It does not know the addresses of its API and its user pool. There are two ways to give them to it:</p>}
      {found.kind === 'invalid' && <Problems source={found.source} problems={found.problems} />}
      {found.kind === 'unreadable' && <Unreadable problem={found.problem} />}
      {found.kind === 'absent' && <TwoWays />}
    </main>
  );
}

function Unreadable({ problem }: { problem: string }) {
  return (
    <>
      <p role="alert">{problem}</p>
      <button type="button" className="button" onClick={() => window.location.reload()}>
        Try again
      </button>
    </>
  );
}

function Problems({ source, problems }: { source: string; problems: string[] }) {
  return (
    <>
      <p>
        In {source === 'config.json' ? <code>config.json</code> : source}, correct the following, then {source === 'config.json' ? 'reload this page' : 'build again'}:
      </p>
      <div role="alert">
        <ul>
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      </div>
    </>
  );
}

function TwoWays() {
  return (
    <>
      <section aria-labelledby="by-file">
        <h2 id="by-file">A file beside the page</h2>
        <p>
          Put a file <code>config.json</code> into the folder of <code>index.html</code>, with the values of your deployment; no new build is needed. The local stack serves this file itself, and the
          output <code>FrontendConfiguration</code> of a deployed stack is its content.
        </p>
        <pre>
          <code>{EXAMPLE}</code>
        </pre>
      </section>
      <section aria-labelledby="by-variables">
        <h2 id="by-variables">Variables at build time</h2>
        <p>
          Set <code>VITE_API_URL</code>, <code>VITE_USER_POOL_ID</code> and <code>VITE_USER_POOL_CLIENT_ID</code> when you run <code>npm run build</code>. The file <code>web/.env.example</code> describes
          every variable.
        </p>
      </section>
    </>
  );
}
