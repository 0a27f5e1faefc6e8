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
  const { userPoolId, userPoolClientId, userPoolEndpoint } = configuration;
  Amplify.configure({ Auth: { Cognito: { userPoolId, userPoolClientId, userPoolEndpoint, loginWith: { email: true } } } });
  root.render(
    <StrictMode>
      <App configuration={configuration} />
    </StrictMode>,
  );
}
