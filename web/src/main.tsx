import '@aws-amplify/ui-react/styles.css';
import './style.css';
import { Amplify } from 'aws-amplify';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { type Configuration, loadConfiguration } from './configuration';
import { ConfigurationProblem } from './ConfigurationProblem';

const root = createRoot(document.getElementById('root') as HTMLElement);
const loaded = await loadConfiguration(import.meta.env);

if (loaded.kind === 'configured') configureAmplify(loaded.configuration);
root.render(<StrictMode>{loaded.kind === 'configured' ? <App configuration={loaded.configuration} /> : <ConfigurationProblem found={loaded} />}</StrictMode>);

function configureAmplify({ userPoolId, userPoolClientId, userPoolEndpoint, stream }: Configuration) {
  const userPool = { userPoolId, userPoolClientId, userPoolEndpoint, loginWith: { email: true } };
  // A REST API takes the ID token: no credentials of the identity pool are fetched for it.
  if (stream?.kind === 'functionUrl') {
    const { identityPoolId, identityPoolEndpoint } = stream;
    Amplify.configure({ Auth: { Cognito: { ...userPool, identityPoolId, identityPoolEndpoint } } });
  } else {
    Amplify.configure({ Auth: { Cognito: userPool } });
  }
}
