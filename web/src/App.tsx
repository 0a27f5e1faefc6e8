import { Authenticator, Heading, useAuthenticator } from '@aws-amplify/ui-react';
import type { Configuration } from './configuration';
import { InferenceForm } from './InferenceForm';
import { PRODUCT, usePageTitle } from './title';

/** The names of Amplify's pages, for the document's title and for their headings. */
const PAGES: Record<string, string> = {
  signIn: 'Sign in',
  signUp: 'Create an account',
  confirmSignUp: 'Confirm your email address',
  forgotPassword: 'Reset your password',
  confirmResetPassword: 'Reset your password',
  forceNewPassword: 'Choose a new password',
};

/** Amplify's own headings are of level 3 and 4; under the title of this page they have to be of level 2. */
const heading = (page: string) => ({ Header: () => <Heading level={2}>{PAGES[page]}</Heading> });

const COMPONENTS = {
  ConfirmSignUp: heading('confirmSignUp'),
  ForgotPassword: heading('forgotPassword'),
  ConfirmResetPassword: heading('confirmResetPassword'),
  ForceNewPassword: heading('forceNewPassword'),
};

/** Sign-in, then the form. */
export function App({ configuration }: { configuration: Configuration }) {
  return (
    <Authenticator.Provider>
      <Pages configuration={configuration} />
    </Authenticator.Provider>
  );
}

function Pages({ configuration }: { configuration: Configuration }) {
  const { authStatus, route } = useAuthenticator((context) => [context.authStatus, context.route]);
  const isSignedIn = route === 'authenticated' || route === 'signOut';
  usePageTitle(isSignedIn ? undefined : (PAGES[route] ?? PAGES.signIn));
  return (
    <main className={isSignedIn ? 'card' : 'sign-in'}>
      {!isSignedIn && (
        <header className="sign-in-title">
          <h1>{PRODUCT}</h1>
          {authStatus === 'unauthenticated' && <p>Sign in to ask a question about a company’s published figures.</p>}
        </header>
      )}
      <Authenticator loginMechanisms={['email']} components={COMPONENTS}>
        <SignedIn configuration={configuration} />
      </Authenticator>
    </main>
  );
}

function SignedIn({ configuration }: { configuration: Configuration }) {
  const { signOut, user } = useAuthenticator((context) => [context.user]);
  return (
    <>
      <header className="account">
        <h1>{PRODUCT}</h1>
        <p>
          Signed in as <span className="account-name">{user?.signInDetails?.loginId ?? user?.username}</span>{' '}
          <button type="button" className="button button-quiet" onClick={signOut}>
            Sign out
          </button>
        </p>
      </header>
      <InferenceForm configuration={configuration} />
    </>
  );
}
