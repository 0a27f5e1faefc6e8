import '@aws-amplify/ui-react/styles.css';
import './style.css';
import { Amplify } from 'aws-amplify';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App, Misconfigured } from './App';
import { readConfiguration } from './configuration';

const configuration = readConfiguration(import.meta.env);
const root = createRoot(document.getElementById('root') as HTMLElement);

if ('missing' in configuration) {
  root.render(<Misconfigured missing={configuration.missing} />);
} else {
  const { userPoolId, userPoolClientId, userPoolEndpoint, stream } = configuration;
  const userPool = { userPoolId, userPoolClientId, userPoolEndpoint, loginWith: { email: true } };
  if (stream) {
    const { identityPoolId, identityPoolEndpoint } = stream;
    Amplify.configure({ Auth: { Cognito: { ...userPool, identityPoolId, identityPoolEndpoint } } });
  } else {
    Amplify.configure({ Auth: { Cognito: userPool } });
  }
  root.render(
    <StrictMode>
      <App configuration={configuration} />
    </StrictMode>,
  );
}
