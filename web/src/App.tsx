import { Authenticator } from '@aws-amplify/ui-react';
import type { Configuration } from './configuration';
import { InferenceForm } from './InferenceForm';

/** Sign-in, then the form. */
export function App({ configuration }: { configuration: Configuration }) {
  return (
    <Authenticator loginMechanisms={['email']}>
      {({ signOut, user }) => (
        <main>
          <header>
            <h1>Ask about a company</h1>
            <p>
              {user?.signInDetails?.loginId} <button onClick={signOut}>Sign out</button>
            </p>
          </header>
          <InferenceForm configuration={configuration} />
        </main>
      )}
    </Authenticator>
  );
}

/** What a build shows that was not told where its API is. */
export function Misconfigured({ missing }: { missing: string[] }) {
  return (
    <main role="alert">
      <h1>This page is not configured</h1>
      <p>Set these variables and build again (web/.env.development shows what they look like):</p>
      <ul>
        {missing.map((name) => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
      </ul>
    </main>
  );
}
